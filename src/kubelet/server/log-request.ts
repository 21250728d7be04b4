/**
 * What `/containerLogs` is asked for, and which container's log that is. Pure. Throws LogRequestError with upstream's
 * wording. Upstream: `validateContainerLogStatus` and the validation of PodLogOptions.
 */
import type { PodStatus } from '#api/core/v1/pod.ts'
import { parseTime } from '#machinery/time.ts'
import type { LogOptions } from '../logs/log-reader.ts'
import { anyStatusNamed } from '../pod-spec.ts'

export class LogRequestError extends Error {
  override readonly name = 'LogRequestError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface LogRequest {
  options: LogOptions
  previous: boolean
}

export function parseLogRequest(query: URLSearchParams, nowMs: number): LogRequest {
  const integer = (name: string) => {
    const text = query.get(name)
    if (text === null || text === '') return undefined
    if (!/^\d{1,15}$/.test(text)) throw new LogRequestError(400, `{"message": "Unable to decode query."}`)
    return Number(text)
  }
  const flag = (name: string) => ['true', '1', ''].includes(query.get(name) ?? 'no')
  const sinceSeconds = integer('sinceSeconds')
  const sinceTime = query.get('sinceTime')
  const tail = query.get('tail')
  const tailLines = tail !== null && tail !== 'all' ? integer('tail') : integer('tailLines')
  const limitBytes = integer('limitBytes')
  const stream = query.get('stream') || 'All'
  const invalid = () => new LogRequestError(422, `{"message": "Invalid request."}`)
  if (sinceSeconds !== undefined && (sinceSeconds < 1 || sinceTime)) throw invalid()
  if (limitBytes !== undefined && limitBytes < 1) throw invalid()
  if (!['All', 'Stdout', 'Stderr'].includes(stream)) throw invalid()
  // Lines are counted before streams are told apart.
  if (stream !== 'All' && tailLines !== undefined) throw invalid()
  let sinceMs = sinceSeconds === undefined ? undefined : nowMs - sinceSeconds * 1000
  if (sinceTime) {
    try {
      sinceMs = parseTime(sinceTime)
    } catch {
      throw new LogRequestError(400, `{"message": "Unable to decode query."}`)
    }
  }
  return {
    previous: flag('previous'),
    options: {
      follow: flag('follow'),
      timestamps: flag('timestamps'),
      ...(tailLines !== undefined && { tailLines }),
      ...(limitBytes !== undefined && { limitBytes }),
      ...(sinceMs !== undefined && { sinceMs }),
      ...(stream !== 'All' && { stream: stream as 'Stdout' | 'Stderr' }),
    },
  }
}

/** The runtime's id of the container whose log is meant. */
export function containerOfLog(podName: string, status: PodStatus, name: string, previous: boolean): string {
  const missing = (why: string) => new LogRequestError(400, why)
  const found = anyStatusNamed(status, name)
  if (!found) throw missing(`container "${name}" in pod "${podName}" is not available`)
  const { state, lastState } = found
  const last = lastState?.terminated?.containerID
  const idOf = (id: string) => id.slice(id.indexOf('://') + 3)
  if (previous) {
    if (!last) throw missing(`previous terminated container "${name}" in pod "${podName}" not found`)
    return idOf(last)
  }
  if (state?.running && found.containerID) return idOf(found.containerID)
  const ended = state?.terminated?.containerID || last
  if (ended) return idOf(ended)
  if (state?.terminated || lastState?.terminated) throw missing(`container "${name}" in pod "${podName}" is terminated`)
  const reason = state?.waiting?.reason
  if (!state?.waiting) throw missing(`container "${name}" in pod "${podName}" is waiting to start - no logs yet`)
  const said: Record<string, string> = {
    ErrImagePull: "image can't be pulled",
    ImagePullBackOff: 'trying and failing to pull image',
  }
  throw missing(`container "${name}" in pod "${podName}" is waiting to start: ${said[reason ?? ''] ?? reason ?? ''}`)
}
