import type {Command} from '@oclif/core/command'
import type {InferredFlags} from '@oclif/core/interfaces'
import {type ConnectionSettings, toClientOptions} from '../config/connection.js'
import {connectionFromEnv} from '../config/environment.js'
import type {AclRule} from '../core/api/acl-rule.js'
import {type ClientOptions, type ConsulClient, createClient} from '../core/client.js'
import {isBatonError, isTransient, messageOf, PermissionError} from '../core/errors.js'
import {formatAddress} from '../core/http/address.js'
import {NodeTransport} from '../core/http/node-transport.js'
import type {Logger, Transport, TransportOptions} from '../core/types.js'
import type {rulesOf} from '../doctor/command-rules.js'
import {BaseCommand} from './base-command.js'
import {commonFlags, consulFlags} from './flags.js'
import {type HiddenCheck, HiddenItems} from './hidden-items.js'
import {loggedTransport} from './logged-transport.js'
import {WaitAloud} from './wait-aloud.js'

const toAgent = (options: TransportOptions): Transport => new NodeTransport(options)

const baseFlags = {...commonFlags, ...consulFlags}

/** Base class of commands that talk to Consul. They have Consul's connection flags and variables. */
export abstract class ConsulCommand<T extends typeof Command = typeof Command> extends BaseCommand<T> {
  static override baseFlags = baseFlags

  declare protected flags: InferredFlags<typeof baseFlags & T['flags']>

  /** Failures that waiting cannot fix and that were already reported. */
  readonly #hopeless = new Set<string>()
  /** Rules that the token lacks and that a warning has already named. */
  readonly #lacked = new Set<string>()
  #hiddenCheck = Promise.resolve()

  /** If Consul refused the token, adds all rules that the token lacks to the error. */
  override async execute(): Promise<number> {
    try {
      return await super.execute()
    } catch (error) {
      if (!(error instanceof PermissionError) || error.status !== 403) throw error
      const {explainDenied} = await import('./explain-denied.js')
      throw await explainDenied(error, {rules: await this.#rules(), client: this.clientOptions()})
    } finally {
      await this.#hiddenCheck
    }
  }

  /**
   * The names for which the ACL rules of the command are determined: the key, prefix or name that the command is about
   * and, for `lock put`, the key that it writes. By default, these are the first arguments.
   */
  protected get aclTargets(): readonly string[] {
    return [...Object.values(this.args as Record<string, string | undefined>), ...this.words].map(value => value ?? '')
  }

  /** The lists for which the command warns if the token may not read all of their items. */
  protected get checksHidden(): HiddenCheck {
    return 'none'
  }

  /**
   * Resolves with true if a list that was read so far may lack items, because the token may not read all of them. Call
   * this after the lists are read.
   */
  protected async hidesItems(): Promise<boolean> {
    await this.#hiddenCheck
    return this.#lacked.size > 0
  }

  protected warnOfHidden(text: string): void {
    this.out.warn(text)
  }

  /**
   * The arguments of `rulesOf` for the rules that the command needs. Set by commands whose flags decide which rules they
   * need.
   */
  protected get aclNeeds(): readonly Readonly<Parameters<typeof rulesOf>>[] {
    const [target = '', written] = this.aclTargets
    return [[this.id ?? '', target, written]]
  }

  async #rules(): Promise<readonly AclRule[]> {
    const {rulesOf} = await import('../doctor/command-rules.js')
    return this.aclNeeds.flatMap(need => rulesOf(...need))
  }

  /**
   * Warns if the token lacks the permission to read a whole list, because Consul silently leaves out the rest. Names
   * all rules that the token lacks for the command, each rule once. In a datacenter other than that of the command,
   * checks only the rule for the list.
   */
  async #checkHidden(rule: AclRule, datacenter: string): Promise<void> {
    const {lackedRules} = await import('./explain-denied.js')
    const options = this.clientOptions()
    const isElsewhere = datacenter !== (options.datacenter ?? '')
    const rules = isElsewhere ? [] : await this.#rules()
    const isCovered = rules.some(
      ({resource, segment, isPrefix}) =>
        isPrefix === true && resource === rule.resource && rule.segment.startsWith(segment),
    )
    const place = isElsewhere ? {...options, datacenter} : options
    const where = isElsewhere ? ` (in ${datacenter})` : ''
    const lacked = (await lackedRules(isCovered ? rules : [rule, ...rules], place)).map(text => text + where)
    const news = lacked.filter(text => !this.#lacked.has(text))
    for (const text of news) this.#lacked.add(text)
    if (news.length > 0) this.warnOfHidden(`what the token may not read is left out: it lacks ${news.join(' ')}`)
  }

  /** Opens a client for the settings. It is disposed when the command ends, and reports when Consul does not answer. */
  protected openClient(
    overrides: {readonly logger?: Logger; readonly transport?: (options: TransportOptions) => Transport} = {},
  ): ConsulClient {
    const {transport = toAgent, ...rest} = overrides
    const aloud = (options: TransportOptions): Transport =>
      new WaitAloud(this.openTransport(options, transport), {
        address: formatAddress(options.address),
        clock: options.clock,
        say: text => this.sayWaiting(text),
        onHopeless: error => this.#handleHopeless(error),
      })
    return this.releases.use(createClient({logger: this.logger, ...this.clientOptions(), ...rest, transport: aloud}))
  }

  /** Opens a transport that logs its requests at level debug. */
  protected openTransport(options: TransportOptions, open = toAgent): Transport {
    const logged = loggedTransport(open(options), {logger: this.logger, clock: options.clock})
    const onDoubt = (rule: AclRule, datacenter: string): void => {
      // A failure of this check must not end the command, because the warning is only a hint.
      this.#hiddenCheck = this.#hiddenCheck.then(() => this.#checkHidden(rule, datacenter)).catch(() => undefined)
    }
    return new HiddenItems(logged, {check: () => this.checksHidden, onDoubt})
  }

  /**
   * Prints that the command waits for Consul. Daemons always print this, other commands only on a terminal or with
   * --verbose.
   */
  protected sayWaiting(text: string): void {
    this.out.say(text)
  }

  /**
   * What to do if a first read fails for a reason that waiting cannot fix: `end` the command, `report` the reason and
   * continue, or `leave` the failure to the code that reads.
   */
  protected get ifHopeless(): 'end' | 'report' | 'leave' {
    return 'leave'
  }

  /** Does what {@link ifHopeless} says. Returns false only for `leave`, so that the code that reads handles the failure. */
  #handleHopeless(error: unknown): boolean {
    const {ifHopeless} = this
    if (ifHopeless === 'end') this.endWith(error)
    // Of the failures that waiting cannot fix, those that are not transient reject the request, so that its code reports them.
    if (ifHopeless === 'report' && isTransient(error)) this.#reportHopeless(error)
    return ifHopeless !== 'leave'
  }

  #reportHopeless(error: unknown): void {
    const hint = isBatonError(error) && error.hint !== undefined ? ` (${error.hint})` : ''
    const text = `waiting does not help: ${messageOf(error)}${hint}`
    if (this.#hopeless.has(text)) return
    this.#hopeless.add(text)
    this.sayWaiting(text)
  }

  /** Returns the connection settings as options of a client, for commands that open more than one. */
  protected clientOptions(): ClientOptions {
    return toClientOptions(this.connectionSettings())
  }

  /** Returns the connection settings as given, without opening files. */
  protected connectionSettings(): ConnectionSettings {
    // Includes variables that have no flag (CONSUL_HTTP_AUTH, CONSUL_HTTP_SSL).
    return {...connectionFromEnv(this.host.env), ...this.#given()}
  }

  #given(): ConnectionSettings {
    const flags = this.flags as Readonly<Record<string, unknown>>
    const given = Object.keys(consulFlags).flatMap(name => (flags[name] === undefined ? [] : [[name, flags[name]]]))
    return Object.fromEntries(given) as ConnectionSettings
  }
}
