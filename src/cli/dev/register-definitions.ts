import type {Definition} from '../../config/agent-files.js'
import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'

/**
 * Registers services and checks with an agent. Rejects with a UsageError that names the file if the agent refuses one of
 * them.
 */
export async function registerDefinitions(
  {address, token}: {readonly address: string; readonly token: string | undefined},
  definitions: readonly Definition[],
): Promise<void> {
  for (const {kind, path, name, body} of definitions) {
    const response = await fetch(`${address}/v1/agent/${kind}/register`, {
      method: 'PUT',
      body: JSON.stringify(body),
      ...(token !== undefined && {headers: {'x-consul-token': token}}),
    })
    const answer = await response.text()
    if (response.ok) continue
    const isScript = /^Scripts are disabled/.test(answer)
    throw new UsageError(
      `config: ${path}: ${kind} ${brief(name)}: ${isScript ? 'script checks are off' : answer.trim()}`,
      {
        code: 'BATON_CONFIG',
        ...(isScript && {hint: 'allow them with --enable-script-checks; Docker checks are never run'}),
      },
    )
  }
}
