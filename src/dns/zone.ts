/**
 * The cluster's zone: which records a name has, by the Kubernetes DNS-Based Service Discovery specification 1.1.0. Pure:
 * objects come in through ClusterNames, and nothing is kept. Upstream: the kubernetes plugin of CoreDNS.
 */
import { isIP } from 'node:net'
import type { Random } from '#base/random.ts'
import { RCODES, type RecordData, type ResourceRecord, type Response, TYPES } from './wire.ts'
import { addressOfReverse } from './wire-address.ts'

/** A service as far as names are concerned. */
export interface NamedService {
  namespace: string
  name: string
  /** Empty for headless services. */
  clusterIps: readonly string[]
  /** Set for type ExternalName, which has nothing else. */
  externalName: string | undefined
  ports: readonly { name: string; protocol: string; port: number }[]
}

/** One address behind a service that names may lead to: ready, or published regardless. */
export interface NamedEndpoint {
  ip: string
  /** The pod's hostname under the service, or the address with dashes. */
  label: string
  ports: readonly { name: string; protocol: string; port: number }[]
}

/** The objects behind the names. Answers are always of the same moment. */
export interface ClusterNames {
  hasNamespace(namespace: string): boolean
  service(namespace: string, name: string): NamedService | undefined
  endpoints(namespace: string, name: string): readonly NamedEndpoint[]
  /** Services with this cluster IP. */
  servicesOf(ip: string): readonly { namespace: string; name: string }[]
  /** Endpoints with this address, each with its service. */
  endpointsOf(ip: string): readonly { namespace: string; service: string; label: string }[]
  /** Whether a pod with this address runs in the namespace; undefined when pods are not looked at. */
  hasPod?(namespace: string, ip: string): boolean
}

export interface ZoneOptions {
  /** `cluster.local`; lower case, no final dot. */
  domain: string
  names: ClusterNames
  random: Random
  /** Addresses of this name server, for `ns.dns.<domain>`. */
  serverIps: readonly string[]
  /** Default 5. */
  ttlSeconds?: number
}

/** `chase`: the answer ends in an alias to this name outside the zone, of which the address is still to be found. */
export type ZoneAnswer = Response & { chase?: string }

const DNS_SCHEMA_VERSION = '1.1.0'
const MAX_ALIASES = 8
const WHOLE_WEIGHT = 100

const none: Response = { rcode: RCODES.NOERROR, authoritative: true, answers: [], authorities: [], additionals: [] }

/** What exists at a name: undefined is NXDOMAIN, an empty list NODATA for every type. */
interface Found {
  records: readonly ResourceRecord[]
  additionals?: readonly ResourceRecord[]
  alias?: string
}
const EMPTY: Found = { records: [] }

export class Zone {
  readonly #domain: string
  readonly #suffix: string
  readonly #names: ClusterNames
  readonly #random: Random
  readonly #ttl: number
  readonly #serverIps: readonly string[]

  constructor({ domain, names, random, serverIps, ttlSeconds = 5 }: ZoneOptions) {
    this.#domain = domain
    this.#suffix = `.${domain}`
    this.#names = names
    this.#random = random
    this.#serverIps = serverIps
    this.#ttl = ttlSeconds
  }

  contains(name: string): boolean {
    return name === this.#domain || name.endsWith(this.#suffix)
  }

  /** The answer to a question inside the zone, or undefined outside it. `name` in lower case. */
  answer(name: string, type: number): ZoneAnswer | undefined {
    if (!this.contains(name)) return undefined
    const answers: ResourceRecord[] = []
    let at = name
    for (let hop = 0; hop < MAX_ALIASES; hop++) {
      const found = this.#find(at, type)
      if (!found)
        return this.#withSoa({ ...none, rcode: answers.length > 0 ? RCODES.NOERROR : RCODES.NXDOMAIN, answers })
      if (found.alias === undefined || type === TYPES.CNAME) {
        answers.push(...found.records.filter((r) => matches(r, type)))
        const { additionals = [] } = found
        return answers.length > 0 ? { ...none, answers, additionals } : this.#withSoa(none)
      }
      answers.push(...found.records)
      at = found.alias
      if (!this.contains(at)) return { ...none, answers, chase: at }
    }
    return { ...none, rcode: RCODES.SERVFAIL }
  }

  /** The answer to a reverse question, or undefined when the cluster does not know the address. */
  reverse(name: string, type: number): Response | undefined {
    const ip = addressOfReverse(name)
    if (ip === undefined) return undefined
    const targets = this.#names.servicesOf(ip).map((s) => `${s.name}.${s.namespace}.svc${this.#suffix}`)
    for (const e of this.#names.endpointsOf(ip))
      targets.push(`${e.label}.${e.service}.${e.namespace}.svc${this.#suffix}`)
    if (targets.length === 0) return undefined
    if (type !== TYPES.PTR && type !== TYPES.ANY) return this.#withSoa(none)
    return { ...none, answers: targets.map((target) => this.#record(name, { type: 'PTR', target })) }
  }

  /** NXDOMAIN in the name of the zone, for names that only look as if they were elsewhere. */
  denial(): Response {
    return this.#withSoa({ ...none, rcode: RCODES.NXDOMAIN })
  }

  #withSoa(response: Response): Response {
    return { ...response, authorities: [this.#soa()] }
  }

  #soa(): ResourceRecord {
    return this.#record(this.#domain, {
      type: 'SOA',
      mname: `ns.dns${this.#suffix}`,
      rname: `hostmaster${this.#suffix}`,
      // Nobody transfers this zone, so that its serial may stay the same.
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: this.#ttl,
    })
  }

  #record(name: string, data: RecordData): ResourceRecord {
    return { name, ttlSeconds: this.#ttl, data }
  }

  #address(name: string, ip: string): ResourceRecord {
    return this.#record(name, { type: ip.includes(':') ? 'AAAA' : 'A', ip })
  }

  #find(name: string, type: number): Found | undefined {
    const labels = name === this.#domain ? [] : name.slice(0, -this.#suffix.length).split('.')
    const top = labels.at(-1)
    if (top === undefined) {
      return { records: [this.#soa(), this.#record(name, { type: 'NS', target: `ns.dns${this.#suffix}` })] }
    }
    if (top === 'svc') return this.#findService(name, labels, type)
    if (top === 'pod') return this.#findPod(name, labels)
    if (top === 'dns') {
      if (labels.length === 1) return EMPTY
      if (labels.length === 2 && labels[0] === 'ns')
        return { records: this.#serverIps.map((ip) => this.#address(name, ip)) }
      return undefined
    }
    if (top === 'dns-version' && labels.length === 1)
      return { records: [this.#record(name, { type: 'TXT', text: DNS_SCHEMA_VERSION })] }
    return undefined
  }

  #findPod(name: string, labels: readonly string[]): Found | undefined {
    if (labels.length === 1) return EMPTY
    const namespace = labels.at(-2)!
    if (labels.length > 3 || !this.#names.hasNamespace(namespace)) return undefined
    if (labels.length === 2) return EMPTY
    const dashed = labels[0]!
    const ip = [dashed.replaceAll('-', '.'), dashed.replaceAll('-', ':')].find((candidate) => isIP(candidate) !== 0)
    if (ip === undefined || this.#names.hasPod?.(namespace, ip) === false) return undefined
    return { records: [this.#address(name, ip)] }
  }

  #findService(name: string, labels: readonly string[], type: number): Found | undefined {
    if (labels.length === 1) return EMPTY
    const namespace = labels.at(-2)!
    if (labels.length === 2) return this.#names.hasNamespace(namespace) ? EMPTY : undefined
    if (labels.length > 5) return undefined
    const service = this.#names.service(namespace, labels.at(-3)!)
    if (!service) return undefined
    const base = `${service.name}.${namespace}.svc${this.#suffix}`
    if (labels.length === 3) return this.#serviceRecords(service, base, type)
    if (service.externalName !== undefined) return undefined
    const next = labels.at(-4)!
    if (!next.startsWith('_')) return labels.length === 4 ? this.#endpointRecords(service, name, next) : undefined
    const records = this.#srv(service, base, next.slice(1), labels.length === 5 ? labels[0]! : undefined)
    // `_tcp.service` has no records of its own, but exists when there is something below it.
    return records.length === 0 ? undefined : labels.length === 4 ? EMPTY : this.#srvFound(records, name)
  }

  #serviceRecords(service: NamedService, base: string, type: number): Found | undefined {
    if (service.externalName !== undefined) {
      const target = service.externalName.toLowerCase().replace(/\.$/, '')
      if (isIP(target) !== 0) return { records: [this.#address(base, target)] }
      return { records: [this.#record(base, { type: 'CNAME', target })], alias: target }
    }
    const { namespace, name, clusterIps } = service
    const ips = clusterIps.length > 0 ? clusterIps : this.#names.endpoints(namespace, name).map((e) => e.ip)
    if (ips.length === 0) return undefined
    const records = this.#shuffled([...new Set(ips)].map((ip) => this.#address(base, ip)))
    if (type !== TYPES.SRV) return { records }
    return this.#srvFound(this.#srv(service, base, undefined, undefined), base)
  }

  #endpointRecords({ namespace, name: service }: NamedService, name: string, label: string): Found | undefined {
    const ips = this.#names.endpoints(namespace, service).filter((e) => e.label === label)
    if (ips.length === 0) return undefined
    return { records: [...new Set(ips.map((e) => e.ip))].map((ip) => this.#address(name, ip)) }
  }

  /** Host and port for SRV records, of one protocol and port name or of all. */
  #srv(service: NamedService, base: string, protocol: string | undefined, portLabel: string | undefined): Host[] {
    const wanted = (port: { name: string; protocol: string }) =>
      port.name !== '' &&
      (protocol === undefined || port.protocol.toLowerCase() === protocol) &&
      (portLabel === undefined || portLabel === `_${port.name}`)
    if (service.clusterIps.length > 0) {
      return service.ports
        .filter((p) => wanted(p) || (protocol === undefined && p.name === ''))
        .map((p) => ({ target: base, port: p.port, ips: service.clusterIps }))
    }
    const hosts = new Map<string, Host & { ips: string[] }>()
    for (const { ip, label, ports } of this.#names.endpoints(service.namespace, service.name)) {
      for (const port of ports) {
        if (!wanted(port) && !(protocol === undefined && port.name === '')) continue
        const target = `${label}.${base}`
        const key = `${target} ${port.port}`
        const known = hosts.get(key)
        if (known) known.ips.push(ip)
        else hosts.set(key, { target, port: port.port, ips: [ip] })
      }
    }
    return [...hosts.values()]
  }

  #srvFound(hosts: readonly Host[], name: string): Found {
    const weight = Math.max(1, Math.floor(WHOLE_WEIGHT / Math.max(hosts.length, 1)))
    const records = hosts.map(({ target, port }) =>
      this.#record(name, { type: 'SRV', priority: 0, weight, port, target }),
    )
    const additionals = new Map<string, ResourceRecord>()
    for (const { target, ips } of hosts)
      for (const ip of ips) additionals.set(`${target} ${ip}`, this.#address(target, ip))
    return { records: this.#shuffled(records), additionals: [...additionals.values()] }
  }

  /** Begins at a random place: clients mostly take the first address. */
  #shuffled(records: ResourceRecord[]): ResourceRecord[] {
    if (records.length < 2) return records
    const start = this.#random.int(records.length)
    return start === 0 ? records : [...records.slice(start), ...records.slice(0, start)]
  }
}

interface Host {
  target: string
  port: number
  ips: readonly string[]
}

const matches = ({ data }: ResourceRecord, type: number) => type === TYPES.ANY || TYPES[data.type] === type
