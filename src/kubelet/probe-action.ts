/** Runs one probe and says how it went, in upstream's words. Upstream: `kubelet/prober/prober.go`. */
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Container, Probe } from '#api/core/v1/container.ts'
import { type CriClient, CriError } from '#contracts/cri/client.ts'
import { status } from '@grpc/grpc-js'
import { expand } from './expansion.ts'
import { grpcHealth } from './grpc-health.ts'
import { httpGet, resolvePort, tcpConnect } from './http-action.ts'

export interface ProbeTarget {
  container: Container
  /** The runtime's id. */
  containerId: string
  podIp: string
}

export interface ProbeOutcome {
  result: 'success' | 'failure'
  output: string
  /** Worth telling although it succeeded. */
  isWarning?: boolean
}

const MAX_OUTPUT_BYTES = 10 << 10

/** Throws Error when the probe could not be made at all, which says nothing about the container. */
export async function runProbe(
  { cri, clock }: { cri: CriClient; clock: Clock },
  probe: Probe,
  target: ProbeTarget,
): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  const { container, podIp } = target
  if (probe.exec) return execProbe(cri, target, probe.exec.command ?? [], timeoutMs)
  if (probe.httpGet) {
    const action = probe.httpGet
    // A port name that the container does not have is an error of the specification, not of the container.
    resolvePort(action.port, container)
    try {
      const answer = await httpGet({ action, container, podIp, userAgent: 'kube-probe/1.36', timeoutMs, clock })
      if (answer.isForeignRedirect) {
        const output = `Probe terminated redirects, Response body: ${answer.body}`
        return { result: 'success', output, isWarning: true }
      }
      if (answer.status >= 200 && answer.status < 400) return { result: 'success', output: answer.body }
      return { result: 'failure', output: `HTTP probe failed with statuscode: ${answer.status}` }
    } catch (thrown) {
      return { result: 'failure', output: messageOf(thrown) }
    }
  }
  if (probe.tcpSocket) {
    const port = resolvePort(probe.tcpSocket.port, container)
    try {
      await tcpConnect(probe.tcpSocket.host || podIp, port, timeoutMs, clock)
      return { result: 'success', output: '' }
    } catch (thrown) {
      return { result: 'failure', output: messageOf(thrown) }
    }
  }
  if (probe.grpc) {
    const verdict = await grpcHealth(podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs, clock)
    return { result: verdict.isHealthy ? 'success' : 'failure', output: verdict.message }
  }
  throw new Error(`missing probe handler for container ${container.name}`)
}

async function execProbe(
  cri: CriClient,
  { container, containerId }: ProbeTarget,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeOutcome> {
  // Only literal values: the rest of the environment belongs to the container.
  const literals = new Map((container.env ?? []).map((e) => [e.name, e.value ?? '']))
  const cmd = command.map((word) => expand(word, (name) => literals.get(name)))
  try {
    const { exitCode, stdout, stderr } = await cri.runtime.execSync(
      { containerId, cmd, timeout: Math.ceil(timeoutMs / 1000) },
      // The runtime enforces the time-out; this one is for a runtime that hangs.
      { timeoutMs: timeoutMs + 10_000 },
    )
    const output = Buffer.concat([stdout, stderr]).subarray(0, MAX_OUTPUT_BYTES).toString()
    return { result: exitCode === 0 ? 'success' : 'failure', output }
  } catch (thrown) {
    const isTimeout =
      thrown instanceof CriError &&
      (thrown.code === status.DEADLINE_EXCEEDED || /timed? ?out|timeout/i.test(thrown.message))
    if (!isTimeout) throw thrown
    return { result: 'failure', output: `command timed out: "${cmd.join(' ')}" timed out after ${timeoutMs / 1000}s` }
  }
}
