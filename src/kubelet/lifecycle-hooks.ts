/** Runs postStart and preStop hooks. Throws Error with upstream's wording. Upstream: `kubelet/lifecycle/handlers.go`. */
import { type Clock, sleep } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { Container, LifecycleHandler } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import { httpGet, tcpConnect, resolvePort } from './http-action.ts'
import { podDescription } from './pod-spec.ts'

export interface HookTarget {
  pod: Pod
  container: Container
  containerId: string
  podIp: string
}

/** A hook may take as long as the pod has; this is for those that never end. */
const MAX_HOOK_MS = 24 * 3_600_000
const HTTP_TIMEOUT_MS = 30_000

/** Resolves when the hook succeeded. Rejects with the signal's reason when it aborts. */
export async function runHook(
  { cri, clock }: { cri: CriClient; clock: Clock },
  hook: LifecycleHandler,
  { pod, container, containerId, podIp }: HookTarget,
  signal: AbortSignal,
): Promise<void> {
  const failed = (kind: string, what: string, why: string, cause?: unknown) =>
    new Error(
      `${kind} lifecycle hook (${what}) for Container "${container.name}" in Pod "${podDescription(pod)}" failed - error: ${why}`,
      { cause },
    )
  if (hook.exec) {
    const cmd = hook.exec.command ?? []
    const what = `[${cmd.join(' ')}]`
    let answer
    try {
      answer = await cri.runtime.execSync({ containerId, cmd }, { timeoutMs: MAX_HOOK_MS, signal })
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      throw failed('Exec', what, `${messageOf(thrown)}, message: ""`, thrown)
    }
    if (answer.exitCode === 0) return
    const output = Buffer.concat([answer.stdout, answer.stderr]).toString()
    const why = `command '${cmd.join(' ')}' exited with ${answer.exitCode}: ${output}, message: ${JSON.stringify(output)}`
    throw failed('Exec', what, why)
  }
  if (hook.httpGet) {
    try {
      await httpGet({
        action: hook.httpGet,
        container,
        podIp,
        userAgent: 'kube-lifecycle/1.36',
        timeoutMs: HTTP_TIMEOUT_MS,
        clock,
        signal,
      })
      return
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      throw failed('HTTP', hook.httpGet.path ?? '', messageOf(thrown), thrown)
    }
  }
  if (hook.tcpSocket) {
    const { port, host } = hook.tcpSocket
    try {
      return await tcpConnect(host || podIp, resolvePort(port, container), HTTP_TIMEOUT_MS, clock)
    } catch (thrown) {
      throw failed('TCP', String(port), messageOf(thrown), thrown)
    }
  }
  if (hook.sleep) return sleep(clock, hook.sleep.seconds * 1000, signal)
  throw new Error('Cannot run handler: invalid handler')
}
