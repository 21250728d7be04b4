/** `rostrum cri`: the built-in container runtime of one node, in the foreground. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import { createLog, type LogLevel } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { createBridgeNetwork } from '#network/bridge.ts'
import { createSystemHost } from '#network/host.ts'
import { startCriServer } from '#runtime/cri-server.ts'

export interface CriProcessOptions {
  socket: string
  stateDir: string
  runDir: string
  cgroupRoot: string
  /** Where exec, attach and port-forward are served; the kubelet must reach it. */
  streamingAddress: string
  registries?: string
  logLevel: LogLevel
}

export async function runCri(options: CriProcessOptions, stop: AbortSignal): Promise<void> {
  const log = createLog(options.logLevel).child({ component: 'rostrum-cri' })
  for (const dir of [options.stateDir, options.runDir, dirname(options.socket)])
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  const network = createBridgeNetwork({
    host: createSystemHost(),
    stateDirectory: join(options.runDir, 'network'),
    clock: systemClock,
    random: systemRandom,
    log,
  })
  const server = await startCriServer({
    socketPath: options.socket,
    stateDir: options.stateDir,
    runtimeDir: join(options.runDir, 'cri'),
    network,
    cgroupRoot: options.cgroupRoot,
    executor: 'auto',
    streamingAddress: options.streamingAddress,
    ...(options.registries && { registriesFile: options.registries }),
    clock: systemClock,
    random: systemRandom,
    log,
  })
  log.info({ socket: options.socket }, 'the container runtime is ready')
  await untilAborted(stop)
  await server.close()
  network.stop()
}

/** Resolves when the signal aborts. Keeps the process alive until then. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const keepAlive = setInterval(() => {}, 0x7fff_ffff)
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(keepAlive)
        resolve()
      },
      { once: true },
    )
  })
}
