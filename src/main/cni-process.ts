/** `rostrum cni`: the built-in bridge as a CNI plug-in, for container runtimes that want one. */
import { systemClock } from '#base/clock.ts'
import { silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { runCniPlugin } from '#network/cni-plugin.ts'
import { createSystemHost } from '#network/host.ts'

/** A configuration is small; more than this is something else. */
const MAX_INPUT_BYTES = 1 << 20

export async function runCni(): Promise<void> {
  let input = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    input += chunk as string
    if (input.length > MAX_INPUT_BYTES) throw new Error('the configuration on standard input is too large')
  }
  const { output, exitCode } = await runCniPlugin({
    env: process.env,
    input,
    host: createSystemHost(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  process.stdout.write(output)
  process.exitCode = exitCode
}
