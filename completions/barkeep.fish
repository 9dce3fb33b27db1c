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
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "wal-flush" -d 'Archive everything that waits in a data directory, now'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "check" -d 'Prove that the archive works and fits this server, before it is needed'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "backup" -d 'Take a base backup of a running server, on the machine it runs on'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "backup-list" -d 'List the base backups of a server'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "backup-show" -d 'Show one base backup'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "backup-keep" -d 'Keep a base backup from being expired'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "backup-delete" -d 'Delete one base backup and the WAL that only it needed'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "restore" -d 'Lay a base backup down, ready to recover to any moment after it'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "retention" -d 'Delete the base backups and the WAL that a policy no longer wants'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "status" -d 'Tell what can be recovered, what is at risk, and what to type next'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "metrics" -d 'Tell the same in numbers, for Prometheus'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "report" -d 'Write a page: what can be recovered, what is at risk, what will go when'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "verify" -d 'Prove that the archive is whole by reading it'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "gc" -d 'Sweep up what crashes have left in the archive'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "drill" -d 'Rehearse a restore: recover a backup in a scratch directory, and check it'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "wal-find" -d 'Find a moment, a position or a transaction in the WAL, and how to recover to it'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "config" -d 'Check the configuration, or show where each setting comes from'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "schedule" -d 'Print timers for systemd, lines for cron or CronJobs for Kubernetes'
complete -c barkeep -n "__fish_barkeep_needs_command" -f -a "install-compat" -d 'Make the links by which others start this program as barman-cloud-*'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l compression -d 'Codec: none, gzip, bzip2, xz, snappy, zstd or lz4 [default: zstd]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l compression-level -d 'Effort: low, medium, high, or the codec\'s own number' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l tag -d 'Tag every object; may be repeated, up to ten times' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l history-tag -d 'Tag timeline histories with this instead; may be repeated' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l overwrite -d 'Replace a stored file that has other content, instead of refusing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l lock-until -d 'Lock what is stored: for 35d, 12w, 7y, or until 2027-01-01' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l lock-mode -d 'Who may lift a lock [default: governance]' -r -f -a "governance\t'Whoever has a permission of its own'
compliance\t'Nobody'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l look-ahead -d 'Store so many waiting files in the same call, 0 to 32 [default: 32]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l soft-limit -d 'Wait for them so long once the own one is stored [default: 20s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l retry-for -d 'Try a failing request again for this long [default: 10s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l timeout -d 'Give up the whole call after this long [default: 5min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
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
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-archive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l no-partial -d 'Never deliver a .partial segment when the complete one is missing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l window -d 'Fetch up to this many segments ahead, 0 to 32 [default: 32]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l retry-for -d 'Try a failing request again so long [default: 5min during recovery, else 30s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l on-error -d 'Stop PostgreSQL on a failure, or not [default: auto]' -r -f -a "auto\t'Stop recovery; let a standby and everybody else go on'
stop\t'Always stop'
continue\t'Never stop: recovery ends where the failure is'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
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
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l pgdata -d 'Flush the server of this data directory [also: PGDATA]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l partial -d 'Store the segment that is being written as well, as .partial' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l mark-done -d 'Tell a stopped PostgreSQL what is stored, so that it asks no more' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l dry-run -d 'Tell what would be stored, and store nothing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l dsn -d 'With --partial: ask a running server as this string says' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -s h -l host -d 'Connect to this host or socket directory [also: PGHOST]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -s p -l port -d 'Connect to this port [also: PGPORT]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -s U -l user -d 'Connect as this role [also: PGUSER]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -s d -l dbname -d 'Connect to this database [also: PGDATABASE; default: postgres]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l compression -d 'Codec: none, gzip, bzip2, xz, snappy, zstd or lz4 [default: zstd]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l compression-level -d 'Effort: low, medium, high, or the codec\'s own number' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l tag -d 'Tag every object; may be repeated, up to ten times' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l history-tag -d 'Tag timeline histories with this instead; may be repeated' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l overwrite -d 'Replace a stored file that has other content, instead of refusing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l lock-until -d 'Lock what is stored: for 35d, 12w, 7y, or until 2027-01-01' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l lock-mode -d 'Who may lift a lock [default: governance]' -r -f -a "governance\t'Whoever has a permission of its own'
compliance\t'Nobody'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l look-ahead -d 'Store so many waiting files in the same call, 0 to 32 [default: 32]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l soft-limit -d 'Wait for them so long once the own one is stored [default: 20s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l retry-for -d 'Try a failing request again for this long [default: 10s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l timeout -d 'Give up the whole call after this long [default: 5min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -l help -d 'Print help'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-flush" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l pgdata -d 'Compare the archive with the server of this data directory [also: PGDATA]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l retry-for -d 'Try a failing request again for this long [default: 10s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l locks -d 'Demand that locks work [default: when the file has lock-until]' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
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
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l dsn -d 'Connect as this string says: keywords and values, or a URI' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -s h -l host -d 'Connect to this host or socket directory [also: PGHOST]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -s p -l port -d 'Connect to this port [also: PGPORT]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -s U -l user -d 'Connect as this role [also: PGUSER]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -s d -l dbname -d 'Connect to this database [also: PGDATABASE; default: postgres]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l pgdata -d 'Find the data directory here, not where the server says it is' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l name -d 'Give the backup a name besides its identifier' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l compression -d 'Codec: none, gzip, bzip2, snappy, zstd or lz4 [default: zstd]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l compression-level -d 'Effort: low, medium, high, or the codec\'s own number' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l tag -d 'Tag every object; may be repeated, up to ten times' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l jobs -d 'Pack this many tars at once [default: the cores, up to 4]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l max-rate -d 'Send at most this much per second to the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l max-read-rate -d 'Read at most this much per second from the disk' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l checkpoint -d 'Begin with a checkpoint that is fast, or spread [default: fast]' -r -f -a "fast\t'As fast as can be'
spread\t'Spread over minutes, to spare the disk'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l checksum-errors -d 'Fail or only warn when a page\'s checksum is wrong [default: fail]' -r -f -a "fail\t'It fails'
warn\t'It is kept, with a warning'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l manifest-checksums -d 'Sum its files with crc32c, sha256 or none [default: crc32c]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l no-archive-check -d 'Do not prove first that WAL reaches the archive' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l no-wait-wal -d 'Do not wait until the backup\'s WAL is in the archive' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l wal-timeout -d 'Wait this long for WAL to reach the archive [default: 5min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l stop-timeout -d 'Give PostgreSQL this long to end the backup [default: 5min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l lock-until -d 'Lock what is stored: for 35d, 12w, 7y, or until 2027-01-01' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l lock-mode -d 'Who may lift a lock [default: governance]' -r -f -a "governance\t'Whoever has a permission of its own'
compliance\t'Nobody'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l create-only -d 'Replace and delete nothing: for credentials that may only create' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l no-started-record -d 'Leave out the record with status STARTED' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -l help -d 'Print help'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-keep" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l minimum-redundancy -d 'Refuse when fewer usable backups than this would stay [default: 0]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l dry-run -d 'Tell what would be deleted, and delete nothing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand backup-delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l backup -d 'Begin with this backup: identifier, name, latest or oldest' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l target-time -d 'Recover to this moment: \'2026-01-31 12:00:00+01:00\'' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l target-lsn -d 'Recover to this position' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l target-xid -d 'Recover to this transaction' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l target-name -d 'Recover to this restore point' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l target-immediate -d 'Recover no further than the backup needs to be consistent' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l target-timeline -d 'Follow this timeline: latest, current, a number [default: latest]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l exclusive -d 'Stop just before the target, not just after it' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l standby -d 'Stay a standby' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l primary-conninfo -d 'Let the standby stream from there; needs --standby' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l tablespace -d 'Put this tablespace there instead of where it was; may be repeated' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l waldir -d 'Put the WAL there, and a link to it into the data directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l no-recovery-config -d 'Write neither settings nor a signal file' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l allow-gap -d 'Restore although WAL is missing on the way to the target' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l clean -d 'Replace a data directory that is there, unless a server runs on it' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l plan -d 'Show what would be done, and touch nothing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l target-action -d 'At the target: pause, promote or shutdown [default: pause]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l restore-command -d 'Let PostgreSQL fetch WAL with this command' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l jobs -d 'Fetch up to this many objects at once [default: the cores, 2 to 8]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l max-rate -d 'Fetch at most this many bytes per second' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l retry-for -d 'Try a failing request again for this long [default: 5min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l minimum-redundancy -d 'Let this many backups stay, whatever the policy says [default: 0]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l leftovers-after -d 'Remove what never became a backup after this long [default: 7d]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l dry-run -d 'Tell what would be deleted, and why, and delete nothing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand retention" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l all-servers -d 'Tell of every server in the store' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l map -d 'Draw the map of the archive below' -r -f -a "auto\t'As the locale and the terminal can show it'
ascii\t'In ASCII'"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l quick -d 'Read no WAL: tell no times of last commits' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l dsn -d 'Ask the server that this string leads to' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -s h -l host -d 'Ask the server on this host, or by the socket in this directory' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -s p -l port -d 'Ask the server at this port' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -s U -l user -d 'Ask as this role' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -s d -l dbname -d 'Ask in this database, or as this connection string says' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l pgdata -d 'Look at the server of this data directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l warn-backup-age -d 'Warn when the newest backup is older [default: 36h]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l crit-backup-age -d 'Critical when it is older [default: 8d]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l warn-wal-age -d 'Warn when WAL waits and none was stored for so long [default: 15min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l crit-wal-age -d 'Critical when none was stored for so long [default: 1h]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l warn-waiting -d 'Warn when so many WAL files wait [default: 32]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l crit-waiting -d 'Critical when so many wait [default: 256]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l retry-for -d 'Try a failing request again for this long [default: 10s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -l help -d 'Print help'
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand status" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l all-servers -d 'Tell of every server in the store' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l textfile -d 'Write to this file: NAME.prom in node_exporter\'s textfile directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l listen -d 'Go on, and answer HTTP here [without a value: 127.0.0.1:9713]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l interval -d 'While listening, look at the archive this often [default: 60s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l dsn -d 'Ask the server that this string leads to' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -s h -l host -d 'Ask the server on this host, or by the socket in this directory' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -s p -l port -d 'Ask the server at this port' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -s U -l user -d 'Ask as this role' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -s d -l dbname -d 'Ask in this database, or as this connection string says' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l pgdata -d 'Look at the server of this data directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l warn-backup-age -d 'Warn when the newest backup is older [default: 36h]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l crit-backup-age -d 'Critical when it is older [default: 8d]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l warn-wal-age -d 'Warn when WAL waits and none was stored for so long [default: 15min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l crit-wal-age -d 'Critical when none was stored for so long [default: 1h]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l warn-waiting -d 'Warn when so many WAL files wait [default: 32]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l crit-waiting -d 'Critical when so many wait [default: 256]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l retry-for -d 'Try a failing request again for this long [default: 10s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -l help -d 'Print help'
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand metrics" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l retention -d 'Foretell what this policy lets go: REDUNDANCY 3, or 14d, 4w, 6m' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l drill-report -d 'Show what `barkeep drill --json` has written to this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l quick -d 'Only look at the lists, the records and the histories; read nothing else' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l wal-only -d 'Leave out the base backups' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l backups-only -d 'Leave out the WAL, but for whether what backups need is there' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l sample -d 'Read only this share of the objects, those verified longest ago' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l since -d 'Read only what was not verified since: 30d, or 2026-01-31' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l jobs -d 'Read up to this many objects at once [default: the cores, 2 to 8]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l max-rate -d 'Read at most this many bytes per second' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l retry-for -d 'Try a failing request again for this long [default: 1min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l older-than -d 'Leave alone what has changed within this time [default: 7d]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l dry-run -d 'Tell what would be removed, and why, and remove nothing' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand gc" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l directory -d 'Make the scratch directory here, with room for the cluster' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l pg-bin -d 'Take PostgreSQL\'s programs from here' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l user -d 'Ask as this role, a superuser [default: postgres]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l dbname -d 'Ask in this database [default: postgres]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l probe -d 'This must succeed, and be true if it is boolean; may be repeated' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l sql -d 'So must every statement of this file; may be repeated' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l no-amcheck -d 'Do not run pg_amcheck' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l no-preload -d 'Start without the libraries that the configuration preloads' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l no-config -d 'Start without the restored postgresql.conf' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l deadline -d 'Give up when it has not recovered within this time [default: 6h]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l check-timeout -d 'Let each check take at most this long [default: 1h]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l keep -d 'Let the copy and the server\'s log stay' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l textfile -d 'Write the report for Prometheus here: NAME.prom' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l jobs -d 'Fetch up to this many objects at once [default: the cores, 2 to 8]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l max-rate -d 'Fetch at most this many bytes of the base backup per second' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l retry-for -d 'Try a failing request again for this long [default: 5min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l backup -d 'Begin with this backup: identifier, name, latest or oldest' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l target-time -d 'Recover to this moment: \'2026-01-31 12:00:00+01:00\'' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l target-lsn -d 'Recover to this position' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l target-xid -d 'Recover to this transaction' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l target-name -d 'Recover to this restore point' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l target-immediate -d 'Recover no further than the backup needs to be consistent' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l target-timeline -d 'Follow this timeline: latest, current, a number [default: latest]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l exclusive -d 'Stop just before the target, not just after it' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand drill" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l time -d 'A moment: 2026-01-31 12:00:00+01:00; without an offset it is local time' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l lsn -d 'A position' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l xid -d 'The end of a transaction, or of the one that it was a part of' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l name -d 'A restore point' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l drops -d 'What was dropped, truncated or rewritten' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l between -d 'All transactions that ended from one moment to another' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l exclusive -d 'Stop just before the moment, not just after it' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l timeline -d 'Follow this timeline: latest, current or a number [default: latest]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l since -d 'Look from about then on: a moment, or a span before now (2h)' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l until -d 'Look up to about then' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l from-wal -d 'Look from this segment on' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l to-wal -d 'Look up to this segment' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l thorough -d 'Read every segment, in case the server\'s clock was set back' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l file -d 'Look into these files or directories, and into no store' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l jobs -d 'Read up to this many objects at once [default: the cores, 2 to 8]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l max-rate -d 'Read at most this many bytes per second' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l retry-for -d 'Try a failing request again for this long [default: 1min]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand wal-find" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l online -d 'With check: ask the store as well, as `barkeep check` does' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l verb -d 'Only these [default: all]' -r -f -a "backup\t'A base backup'
retention\t'What is kept'
verify\t'Reading the archive'
drill\t'Rehearsing a restore'"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l name -d 'Begin the names of units and CronJobs so [default: barkeep]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l directory -d 'Write files into this directory instead' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l overwrite -d 'Replace files there that have another text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l backup -d 'Back up then, in UTC, or never [default: 0 0 2 * * *]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l retention -d 'Apply the retention policy then [default: 0 0 5 * * *]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l verify -d 'Verify then [default: 0 0 6 * * *]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l drill -d 'Rehearse a restore then [default: 0 0 8 * * 0]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l sample -d 'Verify this share of the archive each time [default: 15%]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l user -d 'Run as this user of the machine [default: postgres]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l program -d 'Call this program [default: this one]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l environment-file -d 'Variables [default for systemd: /etc/barkeep/environment]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l image -d 'Kubernetes: run this image' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l drill-image -d 'Kubernetes: drill with this image, which has PostgreSQL too' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l scratch-size -d 'Kubernetes: give a drill a volume of this size: 100Gi' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l scratch-class -d 'Kubernetes: and of this storage class' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l pgdata-claim -d 'Kubernetes: the data directory is on this claim, in PATH' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l config-map -d 'Kubernetes: take the configuration from this ConfigMap' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l secret -d 'Kubernetes: take variables from the keys of this Secret' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l service-account -d 'Kubernetes: run as this ServiceAccount' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l namespace -d 'Kubernetes: in this namespace [default: the manifest\'s]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l store -d 'Keep the archive in this store: s3://bucket/path, gs://bucket/path or file:///path' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l server -d 'Use this name for the server within the store' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l spool -d 'Keep local notes and fetched segments in this private directory' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l memory -d 'Take at most this much memory for buffers [default: 96MiB]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l endpoint-url -d 'Talk to this endpoint instead of AWS [also: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l region -d 'Use this region [also: AWS_REGION, AWS_DEFAULT_REGION, the profile]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l profile -d 'Take credentials and region from this profile of AWS\'s files [also: AWS_PROFILE]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l addressing-style -d 'Put the bucket into the host name or into the path [default: auto]' -r -f -a "auto\t'Into the host for AWS, into the path for every other endpoint'
virtual\t'Into the host: https://bucket.host/key'
path\t'Into the path: https://host/bucket/key'"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l ca-bundle -d 'Trust the certificate authorities in this PEM file [also: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l sse -d 'Ask the service to encrypt what it stores' -r -f -a "AES256\t'With keys of the service\'s own'
aws:kms\t'With a key of its key management'"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l sse-kms-key-id -d 'Encrypt with this key of the service\'s key management; needs --sse aws:kms' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l sse-customer-key -d 'Encrypt with the key in this file: file:///path, 32 bytes in base64' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l checksums -d 'Send checksums when the service requires or supports them [default: when-required unless AWS]' -r -f -a "when-required\t'Only for requests that cannot do without'
when-supported\t'For every request that can carry one'"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l exclusive-put -d 'Trust the service to refuse the second of two racing writers [default: auto]' -r -f -a "auto\t'When it is AWS, or when `barkeep check` has proved it'
trusted\t'Yes: one request per file'
ask-first\t'No: ask for the key before storing it'"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l azure-endpoint-url -d 'Talk to this endpoint instead of the store\'s own host; what comes before the container' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l azure-credential -d 'Sign in like this, whatever secrets are in the environment' -r -f -a "azure-cli\t'Ask az, the command-line tool'
managed-identity\t'As the identity of the machine or pod'
default\t'One after the other: service principal, workload identity, managed identity, az'"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l azure-client-id -d 'Sign in as this user-assigned identity [also: AZURE_CLIENT_ID]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l azure-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l azure-encryption-scope -d 'Encrypt what is stored in this encryption scope of the account' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l gcs-endpoint-url -d 'Talk to this endpoint instead of Google\'s [also: STORAGE_EMULATOR_HOST, without signing in]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l gcs-credentials-file -d 'Sign in with the credentials in this file [also: GOOGLE_APPLICATION_CREDENTIALS]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l gcs-universe-domain -d 'Use the services of this universe [also: GOOGLE_CLOUD_UNIVERSE_DOMAIN, the credentials]' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l gcs-ca-bundle -d 'Trust the certificate authorities in this PEM file [also: REQUESTS_CA_BUNDLE]' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l gcs-kms-key -d 'Encrypt what is stored with this key of the key management service' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l config -d 'Read settings from this file' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l object-store -d 'Use this of several stores in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l cluster -d 'Use the archive of this Cluster in the file: NAME or NAMESPACE/NAME' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l from -d 'Read from the archive of this external cluster of the Cluster' -r
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l secret-dir -d 'Find secrets of the manifest in files below: DIR/NAME/KEY' -r -F
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -l envsubst -d 'Put variables of the environment in where the manifest has ${NAME}' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand schedule" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c barkeep -n "__fish_barkeep_using_subcommand install-compat" -l json -d 'Print one JSON object instead of text' -r -f -a "true\t''
false\t''"
complete -c barkeep -n "__fish_barkeep_using_subcommand install-compat" -l log-format -d 'Write log lines as text or as JSON [default: text]' -r -f -a "text\t'Time, level, message'
json\t'One object a line'"
complete -c barkeep -n "__fish_barkeep_using_subcommand install-compat" -s v -l verbose -d 'Log more: -v what was done, -vv every step and request'
complete -c barkeep -n "__fish_barkeep_using_subcommand install-compat" -s q -l quiet -d 'Log less: -q errors only, -qq nothing'
complete -c barkeep -n "__fish_barkeep_using_subcommand install-compat" -s h -l help -d 'Print help (see more with \'--help\')'
