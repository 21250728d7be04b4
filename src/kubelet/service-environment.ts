/** Environment variables that name the services of a pod's namespace. Pure. Upstream: `kubelet/envvars`. */
import type { Service } from '#api/core/v1/service.ts'

/**
 * `services` may be those of any namespaces. The API's own service (`default/kubernetes`) is always there; the others only
 * with `enableServiceLinks`. Where two have the same name the pod's namespace wins.
 */
export function serviceEnvironment(
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> {
  const chosen = new Map<string, Service>()
  for (const service of services) {
    const { clusterIP } = service.spec
    if (!clusterIP || clusterIP === 'None' || (service.spec.ports ?? []).length === 0) continue
    const { name, namespace: home } = service.metadata
    if (home === namespace && enableServiceLinks) chosen.set(name, service)
    else if (home === 'default' && name === 'kubernetes' && !chosen.has(name)) chosen.set(name, service)
  }
  const variables = new Map<string, string>()
  for (const service of chosen.values()) addVariables(service, variables)
  return variables
}

function addVariables(service: Service, variables: Map<string, string>) {
  const ip = service.spec.clusterIP!
  const prefix = variableName(service.metadata.name)
  const ports = service.spec.ports!
  variables.set(`${prefix}_SERVICE_HOST`, ip)
  variables.set(`${prefix}_SERVICE_PORT`, String(ports[0]!.port))
  for (const port of ports) {
    if (port.name) variables.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port))
  }
  const host = ip.includes(':') ? `[${ip}]` : ip
  for (const [index, { port, protocol = 'TCP' }] of ports.entries()) {
    const url = `${protocol.toLowerCase()}://${host}:${port}`
    if (index === 0) variables.set(`${prefix}_PORT`, url)
    const portPrefix = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
    variables.set(portPrefix, url)
    variables.set(`${portPrefix}_PROTO`, protocol.toLowerCase())
    variables.set(`${portPrefix}_PORT`, String(port))
    variables.set(`${portPrefix}_ADDR`, ip)
  }
}

const variableName = (name: string) => name.replaceAll('-', '_').toUpperCase()
