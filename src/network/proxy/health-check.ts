/**
 * Answers load balancers that ask whether this node has endpoints of a service with externalTrafficPolicy Local: 200 when
 * it has, 503 when not, at the service's healthCheckNodePort. Upstream: kube-proxy's ServiceHealthServer.
 */
import { createServer, type Server } from 'node:http'
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { HealthCheckRule } from './service-plan.ts'

export interface HealthChecks {
  /** Serves exactly these; a port that cannot be listened on is logged and tried again with the next call. */
  apply(rules: readonly HealthCheckRule[]): void
  stop(): void
}

interface Check {
  rule: HealthCheckRule
  server: Server
}

export function createHealthChecks(nodeIps: readonly string[], log: Log): HealthChecks {
  const checks = new Map<string, Check>()

  function start(key: string, ip: string, rule: HealthCheckRule) {
    const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (_request, response) => {
      const { namespace, name, localEndpoints } = check.rule
      const body = JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: true })
      response.writeHead(localEndpoints > 0 ? 200 : 503, {
        'Content-Type': 'application/json',
        'X-Content-Type-Options': 'nosniff',
        'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
        Connection: 'close',
      })
      response.end(body)
    })
    server.maxConnections = 256
    const check: Check = { rule, server }
    server.on('error', (err) => {
      log.warn({ ip, port: rule.port, err: messageOf(err) }, 'cannot answer health checks of a load balancer')
      if (!server.listening && checks.get(key) === check) checks.delete(key)
    })
    checks.set(key, check)
    server.listen({ host: ip, port: rule.port, ipv6Only: true })
  }

  return {
    apply(rules) {
      const wanted = new Map<string, { ip: string; rule: HealthCheckRule }>()
      for (const rule of rules) for (const ip of nodeIps) wanted.set(`${ip} ${rule.port}`, { ip, rule })
      for (const [key, { server }] of checks) {
        if (wanted.has(key)) continue
        checks.delete(key)
        server.close()
      }
      for (const [key, { ip, rule }] of wanted) {
        const known = checks.get(key)
        if (known) known.rule = rule
        else start(key, ip, rule)
      }
    },
    stop() {
      for (const { server } of checks.values()) {
        server.close()
        server.closeAllConnections()
      }
      checks.clear()
    },
  }
}
