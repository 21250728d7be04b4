/** Asks a server for its health (`grpc.health.v1.Health/Check`) in plain text. Upstream: `pkg/probe/grpc`. */
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import protobuf from 'protobufjs/minimal.js'
import type { Clock } from '#base/clock.ts'

export interface HealthVerdict {
  isHealthy: boolean
  message: string
}

const SERVING = 1
const NAMES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** Never rejects: whatever goes wrong makes the service unhealthy. */
export function grpcHealth(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
  clock: Clock,
): Promise<HealthVerdict> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.primary_user_agent': 'kube-probe/1.36',
    'grpc.enable_retries': 0,
  })
  const encode = (name: string) => Buffer.from(protobuf.Writer.create().uint32(10).string(name).finish())
  const deadline = clock.now() + timeoutMs
  return new Promise<HealthVerdict>((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      encode,
      decodeStatus,
      service,
      new Metadata(),
      { deadline },
      (error, code) => {
        if (!error) {
          resolve(
            code === SERVING
              ? { isHealthy: true, message: 'service healthy' }
              : { isHealthy: false, message: `service unhealthy (responded with "${NAMES[code ?? 0] ?? code}")` },
          )
        } else if (error.code === status.UNIMPLEMENTED) {
          resolve({
            isHealthy: false,
            message: `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.details}`,
          })
        } else if (error.code === status.DEADLINE_EXCEEDED) {
          resolve({
            isHealthy: false,
            message: `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: context deadline exceeded`,
          })
        } else if (error.code === status.UNAVAILABLE) {
          resolve({ isHealthy: false, message: `error: failed to connect service at "${address}": ${error.details}` })
        } else {
          resolve({ isHealthy: false, message: `error: health rpc probe failed: ${error.details}` })
        }
      },
    )
  }).finally(() => client.close())
}

/** Field 1, an enumeration; everything else is skipped. */
function decodeStatus(bytes: Buffer): number {
  const reader = protobuf.Reader.create(bytes)
  let code = 0
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 8) code = reader.int32()
    else reader.skipType(tag & 7)
  }
  return code
}
