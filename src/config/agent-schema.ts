import type {Block, Kind, Schema} from './blocks.js'

/**
 * Adds a second form without underscores for each name, because an agent accepts `ServiceID`, whose lower case is
 * `serviceid`, as `service_id`. It does so in checks, but not in services.
 */
function withPlainNames<T extends Kind | Block>(schema: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  const plain = Object.entries(schema).map(([name, rule]) => [name.replaceAll('_', ''), rule] as const)
  return {...Object.fromEntries(plain), ...schema}
}

const checkKinds = {
  id: 'string',
  name: 'string',
  notes: 'string',
  status: 'string',
  interval: 'duration',
  timeout: 'duration',
  ttl: 'duration',
  deregister_critical_service_after: 'duration',
  http: 'string',
  header: 'rest',
  method: 'string',
  body: 'string',
  tcp: 'string',
  grpc: 'string',
  grpc_use_tls: 'boolean',
  tls_skip_verify: 'boolean',
  args: 'rest',
  scriptargs: 'rest',
  docker_container_id: 'string',
  shell: 'string',
  alias_node: 'string',
  alias_service: 'string',
  output_max_size: 'number',
  success_before_passing: 'number',
  failures_before_critical: 'number',
} as const satisfies Schema

const serviceCheck: Block = {isRepeatable: true, fields: withPlainNames(checkKinds)}

const check: Block = {
  isRepeatable: true,
  fields: withPlainNames({...checkKinds, service_id: 'string', namespace: 'string', token: 'string'}),
}

const service: Block = {
  isRepeatable: true,
  fields: {
    id: 'string',
    name: 'string',
    tags: 'rest',
    address: 'string',
    tagged_addresses: 'rest',
    meta: 'rest',
    port: 'number',
    check: serviceCheck,
    checks: serviceCheck,
    weights: {fields: {passing: 'number', warning: 'number'}},
    enable_tag_override: 'boolean',
    namespace: 'string',
    token: 'string',
    kind: 'string',
    connect: 'rest',
    proxy: 'rest',
  },
}

/** The settings of an agent that define services and checks. */
export const definitionSchema: Schema = {service, services: service, check, checks: check}

/** The other settings of an agent of Consul 1.8. */
export const otherAgentSettings: readonly string[] = [
  ...['acl', 'acl_agent_master_token', 'acl_agent_token', 'acl_datacenter', 'acl_default_policy', 'acl_down_policy'],
  ...['acl_master_token', 'acl_replication_token', 'acl_token', 'acl_ttl', 'addresses', 'advertise_addr'],
  ...['advertise_addr_ipv4', 'advertise_addr_ipv6', 'advertise_addr_wan', 'advertise_reconnect_timeout', 'audit'],
  ...['auto_config', 'auto_encrypt', 'autopilot', 'bind_addr', 'bootstrap', 'bootstrap_expect', 'ca_file', 'ca_path'],
  ...['cache', 'cert_file', 'check_output_max_size', 'check_update_interval', 'client_addr', 'config_entries'],
  ...['connect', 'data_dir', 'datacenter', 'default_query_time', 'disable_anonymous_signature'],
  ...['disable_coordinates', 'disable_host_node_id', 'disable_http_unprintable_char_filter', 'disable_keyring_file'],
  ...['disable_remote_exec', 'disable_update_check', 'discard_check_output', 'discovery_max_stale', 'dns_config'],
  ...['domain', 'alt_domain', 'enable_acl_replication', 'enable_agent_tls_for_checks', 'enable_central_service_config'],
  ...['enable_debug', 'enable_local_script_checks', 'enable_script_checks', 'enable_syslog', 'encrypt'],
  ...['encrypt_verify_incoming', 'encrypt_verify_outgoing', 'gossip_lan', 'gossip_wan', 'http_config', 'key_file'],
  ...['leave_on_terminate', 'limits', 'log_file', 'log_json', 'log_level', 'log_rotate_bytes', 'log_rotate_duration'],
  ...['log_rotate_max_files', 'max_query_time', 'node_id', 'node_meta', 'node_name', 'non_voting_server'],
  ...['performance', 'pid_file', 'ports', 'primary_datacenter', 'primary_gateways', 'protocol', 'raft_protocol'],
  ...['raft_snapshot_interval', 'raft_snapshot_threshold', 'raft_trailing_logs', 'reconnect_timeout'],
  ...['reconnect_timeout_wan', 'recursors', 'rejoin_after_leave', 'retry_interval', 'retry_interval_wan'],
  ...['retry_join', 'retry_join_wan', 'retry_max', 'retry_max_wan', 'segment', 'segments', 'serf_lan', 'serf_wan'],
  ...['server', 'server_name', 'session_ttl_min', 'skip_leave_on_interrupt', 'start_join', 'start_join_wan'],
  ...['syslog_facility', 'telemetry', 'tls_cipher_suites', 'tls_min_version', 'tls_prefer_server_cipher_suites'],
  ...['translate_wan_addrs', 'ui', 'ui_config', 'ui_dir', 'unix_sockets', 'use_streaming_backend', 'verify_incoming'],
  ...['verify_incoming_https', 'verify_incoming_rpc', 'verify_outgoing', 'verify_server_hostname', 'watches'],
]
