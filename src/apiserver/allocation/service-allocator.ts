/**
 * Cluster IPs and node ports of Services. Upstream: `pkg/registry/core/service` (`alloc.go`). The pools live in memory,
 * which is enough for one API server over its own store; they are filled from the Services that exist at start.
 */
import { isIP } from 'node:net'
import type { Service, ServicePort } from '#api/core/v1/service.ts'
import { addressAt, type Cidr, cidrSize, contains, parseCidr, parseIp } from '#base/ip.ts'
import { copyJson } from '#base/json.ts'
import type { Random } from '#base/random.ts'
import { type FieldError, internalError, invalid } from '#machinery/status-error.ts'
import { invalidValue } from '../registry/object-meta.ts'
import type { Draft, Stored, Strategy } from '../registry/strategy.ts'
import { NumberPool } from './number-pool.ts'

const FIRST_NODE_PORT = 30_000
const NODE_PORTS = 2768
const RESERVED_NODE_PORTS = 86
const MAX_RESERVED_IPS = 256

const SERVICE = { group: '', kind: 'Service' }

export class ServiceAllocator {
  readonly #network: Cidr
  readonly #cidr: string
  /** Offsets into the network; its first and last address are nobody's. */
  readonly #ips: NumberPool
  /** Offsets from FIRST_NODE_PORT. */
  readonly #ports: NumberPool

  /** Throws RangeError for a malformed `cidr`. */
  constructor(cidr: string, random: Random) {
    this.#cidr = cidr
    this.#network = parseCidr(cidr)
    const size = Number(cidrSize(this.#network))
    const reserved = Math.min(MAX_RESERVED_IPS, Math.max(16, Math.floor(size / 16)))
    this.#ips = new NumberPool(size, size > reserved ? reserved : 0, random)
    this.#ips.take(0)
    this.#ips.take(size - 1)
    this.#ports = new NumberPool(NODE_PORTS, RESERVED_NODE_PORTS, random)
  }

  /** Takes what an existing Service holds. */
  adopt(service: Service) {
    const ip = this.#offsetOf(service)
    if (ip !== undefined) this.#ips.take(ip)
    for (const port of nodePortsOf(service)) this.#ports.take(port - FIRST_NODE_PORT)
  }

  release(service: Service) {
    const ip = this.#offsetOf(service)
    if (ip !== undefined) this.#ips.release(ip)
    for (const port of nodePortsOf(service)) this.#ports.release(port - FIRST_NODE_PORT)
  }

  /** The Service strategy with allocation added. */
  extend(strategy: Strategy): Strategy {
    return {
      ...strategy,
      prepareForUpdate: (draft, old, context) => {
        // Addresses and ports are written into it.
        if (draft.spec === old.spec) draft.spec = copyJson(old.spec)
        if (context.subresource === '') keepAllocated(draft as unknown as Service, old as unknown as Service)
        strategy.prepareForUpdate?.(draft, old, context)
      },
      allocate: (draft, old, { dryRun }) => this.#allocate(draft, old, dryRun),
      release: (object) => this.release(object as unknown as Service),
    }
  }

  #allocate(draft: Draft, old: Stored | undefined, dryRun: boolean): (written: boolean) => void {
    const service = draft as unknown as Service
    const before = old as unknown as Service | undefined
    const undo: (() => void)[] = []
    const take = (pool: NumberPool, n: number) => {
      if (!pool.take(n)) return false
      undo.push(() => pool.release(n))
      return true
    }
    const draw = (pool: NumberPool) => {
      const n = pool.draw()
      if (n !== undefined) undo.push(() => pool.release(n))
      return n
    }
    const rollBack = () => {
      for (const step of undo) step()
    }
    try {
      const errors = [...this.#assignIp(service, before, take, draw), ...this.#assignPorts(service, before, take, draw)]
      if (errors.length > 0) throw invalid(SERVICE, service.metadata.name, errors)
    } catch (err) {
      rollBack()
      throw err
    }
    if (dryRun) rollBack()
    return (written) => {
      if (!written) {
        if (!dryRun) rollBack()
      } else if (before) this.#releaseUnused(before, service)
    }
  }

  #assignIp(service: Service, before: Service | undefined, take: Take, draw: Draw): FieldError[] {
    const { spec } = service
    if (spec.type === 'ExternalName') {
      delete spec.clusterIP
      delete spec.clusterIPs
      delete spec.ipFamilies
      delete spec.ipFamilyPolicy
      return []
    }
    spec.ipFamilies ??= ['IPv4']
    spec.ipFamilyPolicy ??= 'SingleStack'
    spec.clusterIP ||= spec.clusterIPs?.[0] ?? ''
    if (spec.clusterIP === 'None') {
      spec.clusterIPs = ['None']
      return []
    }
    if (spec.clusterIP === '') {
      const n = draw(this.#ips)
      if (n === undefined) throw internalError('failed to allocate a serviceIP: range is full')
      spec.clusterIP = addressAt(this.#network, n)
    } else if (spec.clusterIP !== before?.spec.clusterIP) {
      const refuse = (why: string) => [
        invalidValue('spec.clusterIPs', [spec.clusterIP], `failed to allocate IP ${spec.clusterIP}: ${why}`),
      ]
      const ip = this.#offsetOf(service)
      if (ip === undefined)
        return refuse(
          `the provided IP (${spec.clusterIP}) is not in the valid range. The range of valid IPs is ${this.#cidr}`,
        )
      if (!take(this.#ips, ip)) return refuse('provided IP is already allocated')
    }
    spec.clusterIPs = [spec.clusterIP]
    return []
  }

  #assignPorts(service: Service, before: Service | undefined, take: Take, draw: Draw): FieldError[] {
    const { spec } = service
    const wantsPorts =
      spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
    const held = new Set(before ? nodePortsOf(before) : [])
    const errors: FieldError[] = []
    /** One number serves several protocols of the same port. */
    const mine = new Map<number, Set<string>>()
    spec.ports?.forEach((port, i) => {
      if (port.nodePort) {
        const protocols = mine.get(port.nodePort)
        if (protocols && !protocols.has(port.protocol ?? 'TCP')) {
          protocols.add(port.protocol ?? 'TCP')
          return
        }
        const offset = port.nodePort - FIRST_NODE_PORT
        if (offset < 0 || offset >= NODE_PORTS) {
          errors.push(
            invalidValue(
              `spec.ports[${i}].nodePort`,
              port.nodePort,
              `provided port is not in the valid range. The range of valid ports is ${FIRST_NODE_PORT}-${FIRST_NODE_PORT + NODE_PORTS - 1}`,
            ),
          )
        } else if (protocols || (!held.has(port.nodePort) && !take(this.#ports, offset))) {
          errors.push(invalidValue(`spec.ports[${i}].nodePort`, port.nodePort, 'provided port is already allocated'))
        }
        mine.set(port.nodePort, new Set([port.protocol ?? 'TCP']))
      } else if (wantsPorts) {
        const shared = spec.ports!.find(
          (p) => p !== port && p.port === port.port && p.nodePort && p.protocol !== port.protocol,
        )
        if (shared && mine.has(shared.nodePort!)) {
          port.nodePort = shared.nodePort!
          mine.get(shared.nodePort!)!.add(port.protocol ?? 'TCP')
          return
        }
        const n = draw(this.#ports)
        if (n === undefined) throw internalError('failed to allocate a nodePort: range is full')
        port.nodePort = FIRST_NODE_PORT + n
        mine.set(port.nodePort, new Set([port.protocol ?? 'TCP']))
      }
    })
    const wantsHealthPort = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
    if (wantsHealthPort && !spec.healthCheckNodePort) {
      const n = draw(this.#ports)
      if (n === undefined) throw internalError('failed to allocate a HealthCheckNodePort: range is full')
      spec.healthCheckNodePort = FIRST_NODE_PORT + n
    } else if (wantsHealthPort && spec.healthCheckNodePort !== before?.spec.healthCheckNodePort) {
      if (!take(this.#ports, spec.healthCheckNodePort! - FIRST_NODE_PORT)) {
        errors.push(
          invalidValue('spec.healthCheckNodePort', spec.healthCheckNodePort, 'provided port is already allocated'),
        )
      }
    }
    return errors
  }

  /** Where a Service's cluster IP is in the network; undefined for one that is not in it, or is none. */
  #offsetOf({ spec: { clusterIP = '' } }: Service): number | undefined {
    if (isIP(clusterIP) === 0 || !contains(this.#network, clusterIP)) return undefined
    return Number(parseIp(clusterIP).value - this.#network.base)
  }

  #releaseUnused(before: Service, after: Service) {
    const ip = this.#offsetOf(before)
    if (ip !== undefined && ip !== this.#offsetOf(after)) this.#ips.release(ip)
    const kept = new Set(nodePortsOf(after))
    for (const port of nodePortsOf(before)) if (!kept.has(port)) this.#ports.release(port - FIRST_NODE_PORT)
  }
}

type Take = (pool: NumberPool, n: number) => boolean
type Draw = (pool: NumberPool) => number | undefined

function nodePortsOf(service: Service): number[] {
  const ports = (service.spec.ports ?? []).map((port) => port.nodePort ?? 0)
  return [...new Set([...ports, service.spec.healthCheckNodePort ?? 0])].filter(
    (port) => port >= FIRST_NODE_PORT && port < FIRST_NODE_PORT + NODE_PORTS,
  )
}

/** A client that sends a Service without what was allocated for it means to keep it. */
function keepAllocated(service: Service, old: Service) {
  const [spec, was] = [service.spec, old.spec]
  const hasIp = (type: string | undefined) => type !== 'ExternalName'
  if (hasIp(was.type) && hasIp(spec.type)) {
    spec.clusterIP ||= spec.clusterIPs?.[0] ?? was.clusterIP ?? ''
    if (!spec.clusterIPs?.length && was.clusterIPs) spec.clusterIPs = [...was.clusterIPs]
    spec.ipFamilies ??= was.ipFamilies!
    spec.ipFamilyPolicy ??= was.ipFamilyPolicy!
  }
  const hasPorts = (type: string | undefined) => type === 'NodePort' || type === 'LoadBalancer'
  if (hasPorts(was.type) && hasPorts(spec.type)) {
    const used = new Set((spec.ports ?? []).map((port) => port.nodePort))
    for (const port of spec.ports ?? []) {
      if (port.nodePort) continue
      const same = was.ports?.find((p) => samePort(p, port))
      if (same?.nodePort && !used.has(same.nodePort)) port.nodePort = same.nodePort
    }
  }
  // Ports that a Service of another type can't have were the server's own choice, so they go with the type.
  if (hasPorts(was.type) && !hasPorts(spec.type)) {
    for (const port of spec.ports ?? []) if (was.ports?.some((p) => p.nodePort === port.nodePort)) delete port.nodePort
  }
  if (was.healthCheckNodePort && spec.externalTrafficPolicy === 'Local')
    spec.healthCheckNodePort ||= was.healthCheckNodePort
}

const samePort = (a: ServicePort, b: ServicePort) =>
  a.port === b.port && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP')
