
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'barkeep' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'barkeep'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'barkeep' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('wal-archive', 'wal-archive', [CompletionResultType]::ParameterValue, 'Put one WAL file into the archive: PostgreSQL''s `archive_command`')
            [CompletionResult]::new('wal-restore', 'wal-restore', [CompletionResultType]::ParameterValue, 'Bring one WAL file out of the archive: PostgreSQL''s `restore_command`')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Prove that the archive works and fits this server, before it is needed')
            break
        }
        'barkeep;wal-archive' {
            [CompletionResult]::new('--compression', '--compression', [CompletionResultType]::ParameterName, 'Compress with none, gzip, bzip2, xz, snappy, zstd or lz4 [default: zstd]')
            [CompletionResult]::new('--compression-level', '--compression-level', [CompletionResultType]::ParameterName, 'Compress with low, medium or high effort, or the codec''s own number [default: 1 for zstd]')
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Tag every object; may be repeated, up to ten times')
            [CompletionResult]::new('--history-tag', '--history-tag', [CompletionResultType]::ParameterName, 'Tag timeline histories with this instead; may be repeated')
            [CompletionResult]::new('--overwrite', '--overwrite', [CompletionResultType]::ParameterName, 'Replace a stored file that has other content, instead of refusing')
            [CompletionResult]::new('--look-ahead', '--look-ahead', [CompletionResultType]::ParameterName, 'Store up to this many waiting files in the same call, 0 to 32 [default: 32]')
            [CompletionResult]::new('--soft-limit', '--soft-limit', [CompletionResultType]::ParameterName, 'Wait no longer than this for waiting files once the own one is stored [default: 20s]')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try a failing request again for this long [default: 10s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up the whole call after this long [default: 5min]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Keep the archive in this store: s3://bucket/path or file:///path')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Use this name for the server within the store')
            [CompletionResult]::new('--spool', '--spool', [CompletionResultType]::ParameterName, 'Keep local notes and fetched segments in this private directory')
            [CompletionResult]::new('--memory', '--memory', [CompletionResultType]::ParameterName, 'Take at most this much memory for buffers [default: 96MiB]')
            [CompletionResult]::new('--endpoint-url', '--endpoint-url', [CompletionResultType]::ParameterName, 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Take credentials and region from this profile of AWS''s files [also: AWS_PROFILE]')
            [CompletionResult]::new('--addressing-style', '--addressing-style', [CompletionResultType]::ParameterName, 'Put the bucket into the host name or into the path [default: auto]')
            [CompletionResult]::new('--ca-bundle', '--ca-bundle', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]')
            [CompletionResult]::new('--sse', '--sse', [CompletionResultType]::ParameterName, 'Ask the service to encrypt what it stores')
            [CompletionResult]::new('--sse-kms-key-id', '--sse-kms-key-id', [CompletionResultType]::ParameterName, 'Encrypt with this key of the service''s key management; needs --sse aws:kms')
            [CompletionResult]::new('--sse-customer-key', '--sse-customer-key', [CompletionResultType]::ParameterName, 'Encrypt with the key in this file: file:///path, 32 bytes in base64')
            [CompletionResult]::new('--checksums', '--checksums', [CompletionResultType]::ParameterName, 'Send checksums when the service requires or supports them [default: when-required unless AWS]')
            [CompletionResult]::new('--exclusive-put', '--exclusive-put', [CompletionResultType]::ParameterName, 'Trust the service to refuse the second of two racing writers [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object instead of text')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Write log lines as text or as JSON [default: text]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more: -v what was done, -vv every step and request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more: -v what was done, -vv every step and request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less: -q errors only, -qq nothing')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less: -q errors only, -qq nothing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'barkeep;wal-restore' {
            [CompletionResult]::new('--no-partial', '--no-partial', [CompletionResultType]::ParameterName, 'Never deliver a .partial segment when the complete one is missing')
            [CompletionResult]::new('--window', '--window', [CompletionResultType]::ParameterName, 'Fetch up to this many segments ahead, 0 to 32 [default: 32]')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try a failing request again for this long [default: 5min during recovery, else 30s]')
            [CompletionResult]::new('--on-error', '--on-error', [CompletionResultType]::ParameterName, 'Stop PostgreSQL on a failure, or let it go on [default: auto]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Keep the archive in this store: s3://bucket/path or file:///path')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Use this name for the server within the store')
            [CompletionResult]::new('--spool', '--spool', [CompletionResultType]::ParameterName, 'Keep local notes and fetched segments in this private directory')
            [CompletionResult]::new('--memory', '--memory', [CompletionResultType]::ParameterName, 'Take at most this much memory for buffers [default: 96MiB]')
            [CompletionResult]::new('--endpoint-url', '--endpoint-url', [CompletionResultType]::ParameterName, 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Take credentials and region from this profile of AWS''s files [also: AWS_PROFILE]')
            [CompletionResult]::new('--addressing-style', '--addressing-style', [CompletionResultType]::ParameterName, 'Put the bucket into the host name or into the path [default: auto]')
            [CompletionResult]::new('--ca-bundle', '--ca-bundle', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]')
            [CompletionResult]::new('--sse', '--sse', [CompletionResultType]::ParameterName, 'Ask the service to encrypt what it stores')
            [CompletionResult]::new('--sse-kms-key-id', '--sse-kms-key-id', [CompletionResultType]::ParameterName, 'Encrypt with this key of the service''s key management; needs --sse aws:kms')
            [CompletionResult]::new('--sse-customer-key', '--sse-customer-key', [CompletionResultType]::ParameterName, 'Encrypt with the key in this file: file:///path, 32 bytes in base64')
            [CompletionResult]::new('--checksums', '--checksums', [CompletionResultType]::ParameterName, 'Send checksums when the service requires or supports them [default: when-required unless AWS]')
            [CompletionResult]::new('--exclusive-put', '--exclusive-put', [CompletionResultType]::ParameterName, 'Trust the service to refuse the second of two racing writers [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object instead of text')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Write log lines as text or as JSON [default: text]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more: -v what was done, -vv every step and request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more: -v what was done, -vv every step and request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less: -q errors only, -qq nothing')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less: -q errors only, -qq nothing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'barkeep;check' {
            [CompletionResult]::new('--pgdata', '--pgdata', [CompletionResultType]::ParameterName, 'Compare the archive with the server of this data directory [also: PGDATA]')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try a failing request again for this long [default: 10s]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Keep the archive in this store: s3://bucket/path or file:///path')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Use this name for the server within the store')
            [CompletionResult]::new('--spool', '--spool', [CompletionResultType]::ParameterName, 'Keep local notes and fetched segments in this private directory')
            [CompletionResult]::new('--memory', '--memory', [CompletionResultType]::ParameterName, 'Take at most this much memory for buffers [default: 96MiB]')
            [CompletionResult]::new('--endpoint-url', '--endpoint-url', [CompletionResultType]::ParameterName, 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Take credentials and region from this profile of AWS''s files [also: AWS_PROFILE]')
            [CompletionResult]::new('--addressing-style', '--addressing-style', [CompletionResultType]::ParameterName, 'Put the bucket into the host name or into the path [default: auto]')
            [CompletionResult]::new('--ca-bundle', '--ca-bundle', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]')
            [CompletionResult]::new('--sse', '--sse', [CompletionResultType]::ParameterName, 'Ask the service to encrypt what it stores')
            [CompletionResult]::new('--sse-kms-key-id', '--sse-kms-key-id', [CompletionResultType]::ParameterName, 'Encrypt with this key of the service''s key management; needs --sse aws:kms')
            [CompletionResult]::new('--sse-customer-key', '--sse-customer-key', [CompletionResultType]::ParameterName, 'Encrypt with the key in this file: file:///path, 32 bytes in base64')
            [CompletionResult]::new('--checksums', '--checksums', [CompletionResultType]::ParameterName, 'Send checksums when the service requires or supports them [default: when-required unless AWS]')
            [CompletionResult]::new('--exclusive-put', '--exclusive-put', [CompletionResultType]::ParameterName, 'Trust the service to refuse the second of two racing writers [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object instead of text')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Write log lines as text or as JSON [default: text]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more: -v what was done, -vv every step and request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more: -v what was done, -vv every step and request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less: -q errors only, -qq nothing')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less: -q errors only, -qq nothing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
