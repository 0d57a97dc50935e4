/** The first-level commands by purpose, in the order in which help shows them. */
export const groups: readonly {readonly title: string; readonly commands: Readonly<Record<string, string>>}[] = [
  {
    title: 'COORDINATE',
    commands: {
      lock: 'run a command while holding a lock',
      exec: 'run a command on many nodes',
      responder: 'run the signed jobs of baton exec on this node',
      keys: 'create, trust and revoke the keys that sign jobs',
    },
  },
  {
    title: 'SERVICES',
    commands: {
      service: 'run a program as a service, register, list and maintain services',
    },
  },
  {
    title: 'FOLLOW',
    commands: {
      watch: 'print what changes in Consul, or run a command for it',
      event: 'fire user events, list them, and run a command for each',
      discover: 'serve a list of services that follows Consul over HTTP',
      template: 'write files from templates that follow keys and services',
      env: 'run a program with keys as its environment',
    },
  },
  {
    title: 'DATA',
    commands: {
      kv: 'read, write, compare, import and follow keys',
      replicate: 'keep a prefix of keys equal to one in another datacenter',
    },
  },
  {
    title: 'OPERATE',
    commands: {
      doctor: 'check everything baton depends on, and say what to fix',
      status: 'show all that baton does in this cluster',
      ui: 'serve a page that shows what baton does in this cluster',
      selftest: 'prove on this cluster what baton promises',
      members: 'list the members of the gossip pool, as the agent sees them',
      completion: 'complete commands, flags and keys in bash, zsh or fish',
    },
  },
  {
    title: 'TRY',
    commands: {
      tour: 'see lock, exec, replicate and discover at work, on an agent in memory',
      dev: 'run a Consul agent in memory, for first steps, demos and tests',
    },
  },
]

/** Returns the purpose of a first-level command. */
export const purposeOf = (name: string): string =>
  groups.map(({commands}) => commands[name]).find(text => text !== undefined) ?? ''

/** Returns the path of a command's page in the docs. */
export const pageOf = (id: string): string => `docs/commands/${id.split(' ')[0] ?? ''}.md`
