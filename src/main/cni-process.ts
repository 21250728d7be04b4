/** `rostrum cni`: the built-in bridge as a CNI plug-in, for container runtimes that want one. */
import { CliError } from '#cli/cli-error.ts'

export async function runCni(): Promise<void> {
  throw new CliError('failed', 'the CNI plug-in is not there yet', { hint: 'use --runtime builtin' })
}
