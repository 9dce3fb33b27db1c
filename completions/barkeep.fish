# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_barkeep_global_optspecs
    string join \n h/help V/version
end

function __fish_barkeep_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_barkeep_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_barkeep_using_subcommand
    set -l cmd (__fish_barkeep_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c barkeep -n "__fish_barkeep_needs_command" -s h -l help -d 'Print help'
complete -c barkeep -n "__fish_barkeep_needs_command" -s V -l version -d 'Print version'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "wal-archive" -d 'Put one WAL file into the archive: PostgreSQL\'s archive_command'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "wal-restore" -d 'Bring one WAL file out of the archive: PostgreSQL\'s restore_command'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "check" -d 'Prove that the archive works and fits this server, before it is needed'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l compression -d 'Compress with none, gzip, bzip2, xz, snappy, zstd or lz4 [default: zstd]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l compression-level -d 'Compress with low, medium or high effort, or the codec\'s own number [default: 1 for zstd]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l tag -d 'Tag every object; may be repeated, up to ten times' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l history-tag -d 'Tag timeline histories with this instead; may be repeated' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l overwrite -d 'Replace a stored file that has other content, instead of refusing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l look-ahead -d 'Store up to this many waiting files in the same call, 0 to 32 [default: 32]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l soft-limit -d 'Wait no longer than this for waiting files once the own one is stored [default: 20s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l retry-for -d 'Try a failing request again for this long [default: 10s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l timeout -d 'Give up the whole call after this long [default: 5min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l store -d 'Keep the archive in this store: s3://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l no-partial -d 'Never deliver a .partial segment when the complete one is missing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l window -d 'Fetch up to this many segments ahead, 0 to 32 [default: 32]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l retry-for -d 'Try a failing request again for this long [default: 5min during recovery, else 30s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l on-error -d 'Stop PostgreSQL on a failure, or let it go on [default: auto]' -r -f -a "auto\t'Stop recovery; let a standby and everybody else go on'
stop\t'Always stop'
continue\t'Never stop: recovery ends where the failure is'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l store -d 'Keep the archive in this store: s3://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l pgdata -d 'Compare the archive with the server of this data directory [also: PGDATA]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l retry-for -d 'Try a failing request again for this long [default: 10s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l store -d 'Keep the archive in this store: s3://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
