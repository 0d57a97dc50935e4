import type {Block, Schema} from './blocks.js'

// The `env` block of consul-template's configuration. This and the blocks below include the settings of older versions;
// settings that only baton has are marked.

const env: Block = {
  fields: {
    pristine: 'boolean',
    custom: 'strings',
    allowlist: 'strings',
    denylist: 'strings',
    whitelist: 'strings',
    blacklist: 'strings',
  },
}

const exec: Block = {
  fields: {
    command: 'command',
    enabled: 'boolean',
    env,
    kill_signal: 'string',
    kill_timeout: 'duration',
    reload_signal: 'string',
    splay: 'duration',
    timeout: 'duration',
  },
}

const wait: Block = {fields: {enabled: 'boolean', min: 'duration', max: 'duration'}, short: 'string'}

const template: Block = {
  isRepeatable: true,
  fields: {
    backup: 'boolean',
    // Only in baton.
    check: 'command',
    command: 'command',
    command_timeout: 'duration',
    contents: 'string',
    create_dest_dirs: 'boolean',
    destination: 'string',
    error_fatal: 'boolean',
    error_on_missing_key: 'boolean',
    exec,
    function_blacklist: 'strings',
    function_denylist: 'strings',
    gid: 'number',
    group: 'string',
    left_delimiter: 'string',
    perms: 'mode',
    right_delimiter: 'string',
    sandbox_path: 'string',
    source: 'string',
    uid: 'number',
    user: 'string',
    wait,
  },
}

const auth: Block = {fields: {enabled: 'boolean', username: 'string', password: 'string'}, short: 'string'}

const ssl: Block = {
  fields: {
    enabled: 'boolean',
    verify: 'boolean',
    ca_cert: 'string',
    ca_path: 'string',
    cert: 'string',
    key: 'string',
    server_name: 'string',
  },
}

const retry: Block = {
  fields: {enabled: 'boolean', attempts: 'number', backoff: 'duration', max_backoff: 'duration'},
  short: 'duration',
}

const transport: Block = {
  fields: {
    custom_dialer: 'rest',
    dial_keep_alive: 'duration',
    dial_timeout: 'duration',
    disable_keep_alives: 'boolean',
    idle_conn_timeout: 'duration',
    max_conns_per_host: 'number',
    max_idle_conns: 'number',
    max_idle_conns_per_host: 'number',
    tls_handshake_timeout: 'duration',
  },
}

const consul: Block = {
  short: 'string',
  fields: {address: 'string', auth, namespace: 'string', retry, ssl, token: 'string', token_file: 'string', transport},
}

/** The schema of consul-template's configuration. */
export const templateSchema: Schema = {
  auth,
  block_query_wait: 'duration',
  consul,
  deduplicate: {
    fields: {
      enabled: 'boolean',
      max_stale: 'duration',
      prefix: 'string',
      ttl: 'duration',
      block_query_wait: 'duration',
    },
  },
  default_delimiters: {fields: {left: 'string', right: 'string'}},
  err_on_failed_lookup: 'boolean',
  exec,
  kill_signal: 'string',
  log_file: 'rest',
  log_level: 'string',
  max_stale: 'duration',
  nomad: 'rest',
  pid_file: 'string',
  reload_signal: 'string',
  retry,
  ssl,
  syslog: {fields: {enabled: 'boolean', facility: 'string', name: 'string'}},
  template,
  template_error_fatal: 'boolean',
  token: 'string',
  vault: 'rest',
  wait,
}
