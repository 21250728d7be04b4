/**
 * What a container had to say about its end: the file at its terminationMessagePath, or with FallbackToLogsOnError the end
 * of its log. Upstream: `getTerminationMessage` and `readLastStringFromContainerLogs`.
 */
import { open } from 'node:fs/promises'
import type { Clock } from '#base/clock.ts'
import { messageOf, systemCode } from '#base/errors.ts'
import { readLog } from './logs/log-reader.ts'
import type { ObservedContainer } from './observed-pod.ts'

const MAX_FILE_BYTES = 4096
const MAX_LOG_BYTES = 2048
const MAX_LOG_LINES = 80

/** Of a container that has exited. Never throws: what can't be read is said in the message. */
export async function terminationMessage(container: ObservedContainer, clock: Clock): Promise<string> {
  const { terminationMessagePath, terminationMessagePolicy } = container.annotations
  const usesLogs =
    terminationMessagePolicy === 'FallbackToLogsOnError' &&
    container.exitCode !== 0 &&
    container.reason !== 'ContainerCannotRun'
  const path = terminationMessagePath.startsWith('/') ? terminationMessagePath : `/${terminationMessagePath}`
  const mount = terminationMessagePath ? container.mounts.find((m) => m.containerPath === path) : undefined
  if (mount) {
    try {
      const text = await readEnd(mount.hostPath, MAX_FILE_BYTES)
      if (text !== '' || !usesLogs) return text
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT') {
        return `Error on reading termination log ${mount.hostPath}: ${messageOf(thrown)}`
      }
    }
  }
  return usesLogs && container.logPath ? lastLogLines(container.logPath, clock) : ''
}

async function readEnd(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const length = Math.min(size, maxBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.subarray(0, bytesRead).toString()
  } finally {
    await file.close()
  }
}

async function lastLogLines(path: string, clock: Clock): Promise<string> {
  let tail = Buffer.alloc(0)
  try {
    await readLog({ path, isRunning: () => false, clock }, { tailLines: MAX_LOG_LINES }, (bytes) => {
      tail = Buffer.concat([tail, bytes])
      tail = tail.subarray(Math.max(0, tail.length - MAX_LOG_BYTES))
    })
    return tail.toString()
  } catch (thrown) {
    return `Error on reading termination message from logs: ${messageOf(thrown)}`
  }
}
