/** The `rostrum` program: runs a command, and turns whatever it throws into one plain line and an exit code. */
import { setMaxListeners } from 'node:events'
import { messageOf } from '#base/errors.ts'
import { CliError, exitCodes } from '#cli/cli-error.ts'
import { createProgram } from '#cli/program.ts'
import { CommanderError } from 'commander'
import { packageVersion } from './version.ts'

const program = createProgram(packageVersion, async () => (await import('./actions.ts')).actions)

// One signal ends all parts of a process, and each part listens to it.
setMaxListeners(10_000)

// Waits of the program don't keep the process alive by themselves, so the command does, until it is done.
const keepAlive = setInterval(() => {}, 0x7fff_ffff)
try {
  await program.parseAsync()
} catch (err) {
  // Whatever a failed command has opened must not keep it alive.
  process.exit(report(err))
}
clearInterval(keepAlive)

function report(err: unknown): number {
  // Commander has said what is wrong already, or has printed the help that was asked for.
  if (err instanceof CommanderError) return err.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (err instanceof CliError) {
    process.stderr.write(`rostrum: ${err.message}\n${err.hint ? `  hint: ${err.hint}\n` : ''}`)
    return exitCodes[err.reason]
  }
  process.stderr.write(`rostrum: ${messageOf(err).split('\n')[0]}\n`)
  if (process.env.ROSTRUM_DEBUG && err instanceof Error) process.stderr.write(`${err.stack}\n`)
  return exitCodes.failed
}
