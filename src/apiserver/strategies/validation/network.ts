/** The kinds of networking.k8s.io. Upstream: `pkg/apis/networking/validation`. */
import { jsonEqual } from '#base/equal.ts'
import { dnsLabel, dnsSubdomain, type NameCheck, pathSegment } from '#machinery/names.ts'
import { immutableValue } from '../../registry/object-meta.ts'
import type { Stored } from '../../registry/strategy.ts'
import {
  all,
  type Check,
  each,
  evenAbsent,
  evenEmpty,
  fields,
  first,
  maxBytes,
  must,
  named,
  oneOf,
  type Path,
  type Problems,
  required,
  ROOT,
  SPEC,
  STATUS,
  strictlyNamed,
} from './check.ts'
import { domainPrefixedPath, portName, portNumber, wildcardSubdomain } from './formats.ts'
import { cidrErrors, legacyCidrErrors, type Network, parseAddress, parseNetwork } from './ip.ts'
import { immutable, type Rules } from './rules.ts'
import { labelSelector } from './selectors.ts'
import { checkIngressPoints } from './service.ts'

type Spec = Record<string, any>

const policyPort: Check = ({ protocol, port, endPort }: Spec, at, to) => {
  if (protocol !== undefined) oneOf('TCP', 'UDP', 'SCTP')(protocol, at.at('protocol'), to)
  const [portAt, endAt] = [at.at('port'), at.at('endPort')]
  if (port === undefined) {
    if (endPort !== undefined) to.invalid(endAt, endPort, 'may not be specified when `port` is not specified')
  } else if (typeof port === 'string') {
    if (endPort !== undefined) to.invalid(endAt, endPort, 'may not be specified when `port` is non-numeric')
    to.each(portAt, port, portName(port))
  } else {
    to.each(portAt, port, portNumber(port))
    if (endPort === undefined) return
    if (endPort < port) to.invalid(endAt, port, 'must be greater than or equal to `port`')
    to.each(endAt, endPort, portNumber(endPort))
  }
}

const contains = (outer: Network, inner: Network) => {
  const { version, bits } = outer.address
  const shift = BigInt((version === 4 ? 32 : 128) - outer.prefixLength)
  return version === inner.address.version && bits >> shift === inner.address.bits >> shift
}

const ipBlock: Check = ({ cidr, except = [] }: Spec, at, to) => {
  if (!cidr) return to.required(at.at('cidr'))
  to.each(at.at('cidr'), cidr, legacyCidrErrors(cidr))
  const network = parseNetwork(cidr)
  if (!network) return
  except.forEach((text: string, i: number) => {
    const place = at.at('except').index(i)
    to.each(place, text, legacyCidrErrors(text))
    const hole = parseNetwork(text)
    if (hole && (!contains(network, hole) || network.prefixLength >= hole.prefixLength)) {
      to.invalid(place, text, 'must be a strict subset of `cidr`')
    }
  })
}

const policyPeer: Check = all(
  fields({ podSelector: labelSelector, namespaceSelector: labelSelector, ipBlock }),
  ({ podSelector, namespaceSelector, ipBlock: block }: Spec, at, to) => {
    if (!podSelector && !namespaceSelector && !block) to.required(at, 'must specify a peer')
    else if (block && (podSelector || namespaceSelector)) {
      to.forbidden(at, 'may not specify both ipBlock and another peer')
    }
  },
)

const policyTypes: Check = (types: readonly string[], at, to) => {
  if (types.length > 2) to.invalid(at, types, 'may not specify more than two policyTypes')
  else each(oneOf('Ingress', 'Egress'))(types, at, to)
}

export const networkPolicyRules: Rules = {
  valid: fields({
    spec: fields({
      podSelector: labelSelector,
      ingress: each(fields({ ports: each(policyPort), from: each(policyPeer) })),
      egress: each(fields({ ports: each(policyPort), to: each(policyPeer) })),
      policyTypes,
    }),
  }),
}

const segment = first(required, strictlyNamed(pathSegment))

const localReference = fields({ apiGroup: strictlyNamed(dnsSubdomain), kind: segment, name: segment })

const serviceName = fields({ service: fields({ name: first(required, named(dnsLabel)) }) })

const backend: Check = evenAbsent((value: Spec | undefined, at, to) => {
  const { resource, service } = value ?? {}
  if (resource && service) return to.invalid(at, '', 'cannot set both resource and service backends')
  if (resource) return localReference(resource, at.at('resource'), to)
  if (!service) return to.invalid(at, '', 'resource or service backend is required')
  serviceName(value, at, to)
  const { name, number } = service.port ?? {}
  const place = at.at('service', 'port')
  if (name && number) to.invalid(at, '', 'cannot set both port name & port number')
  else if (name) to.each(place.at('name'), name, portName(name))
  else if (number) to.each(place.at('number'), number, portNumber(number))
  else to.required(at, 'port name or number is required')
})

const SEQUENCES = ['//', '/./', '/../', '%2f', '%2F']
const ENDINGS = ['/..', '/.']

function checkPath(path: string, isMatched: boolean, at: Path, to: Problems) {
  if (!isMatched && path === '') return
  if (!path.startsWith('/')) to.invalid(at, path, 'must be an absolute path')
  if (!isMatched) return
  for (const sequence of SEQUENCES) if (path.includes(sequence)) to.invalid(at, path, `must not contain '${sequence}'`)
  for (const ending of ENDINGS) if (path.endsWith(ending)) to.invalid(at, path, `cannot end with '${ending}'`)
}

const httpPath: Check = (value: Spec, at, to) => {
  const { path = '', pathType } = value
  if (pathType === undefined) return to.required(at.at('pathType'), 'pathType must be specified')
  const types = ['Exact', 'ImplementationSpecific', 'Prefix']
  if (!types.includes(pathType)) to.unsupported(at.at('pathType'), pathType, types)
  else checkPath(path, pathType !== 'ImplementationSpecific', at.at('path'), to)
  backend(value.backend, at.at('backend'), to)
}

const hostName: NameCheck = (host) => (host.includes('*') ? wildcardSubdomain(host) : dnsSubdomain(host))

const host: Check = (value: string, at, to) => {
  if (value === '') return
  if (parseAddress(value)) to.invalid(at, value, 'must be a DNS name, not an IP address')
  to.each(at, value, hostName(value))
}

const ingressFields = fields({
  defaultBackend: (value, at, to) => backend(value, at, to),
  rules: each(fields({ host, http: fields({ paths: [required, each(httpPath)] }) })),
  tls: each(fields({ hosts: each(strictlyNamed(hostName)), secretName: named(dnsSubdomain) })),
  ingressClassName: strictlyNamed(dnsSubdomain),
})

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'

export const ingressRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    if (!spec.rules && !spec.defaultBackend) {
      to.invalid(SPEC, null, 'either `defaultBackend` or `rules` must be specified')
    }
    ingressFields(spec, SPEC, to)
  },
  create({ spec, metadata }, to) {
    const annotation = metadata.annotations?.[CLASS_ANNOTATION]
    if (annotation === undefined || spec.ingressClassName === undefined || annotation === spec.ingressClassName) return
    const why = 'must match `ingressClassName` when both are specified'
    to.invalid(ROOT.at('annotations', CLASS_ANNOTATION), annotation, why)
  },
  subresources: {
    status({ status = {} }, old, to) {
      const at = STATUS.at('loadBalancer', 'ingress')
      checkIngressPoints(status.loadBalancer?.ingress ?? [], old.status?.loadBalancer?.ingress ?? [], at, to, false)
    },
  },
}

const MAX_CONTROLLER = 250

const classParameters: Check = (value: Spec, at, to) => {
  localReference(value, at, to)
  const { scope, namespace } = value
  if (scope === undefined) return to.required(at.at('scope'))
  if (scope !== 'Cluster' && scope !== 'Namespace')
    return to.unsupported(at.at('scope'), scope, ['Cluster', 'Namespace'])
  const place = at.at('namespace')
  if (scope === 'Cluster') {
    if (namespace !== undefined) to.forbidden(place, "`parameters.scope` is set to 'Cluster'")
  } else if (namespace === undefined) to.required(place, "`parameters.scope` is set to 'Namespace'")
  else to.each(place, namespace, dnsLabel(namespace))
}

export const ingressClassRules: Rules = {
  valid: fields({
    spec: fields({
      controller: [maxBytes(MAX_CONTROLLER), evenEmpty(domainPrefixedPath)],
      parameters: classParameters,
    }),
  }),
  update: immutable('spec.controller'),
}

export const ipAddressRules: Rules = {
  valid: fields({
    spec: fields({
      parentRef: [
        must(),
        fields({
          group: named(dnsSubdomain),
          resource: segment,
          name: segment,
          namespace: named(pathSegment),
        }),
      ],
    }),
  }),
  update: immutable('spec.parentRef'),
}

const CIDRS = SPEC.at('cidrs')

function checkCidrs(cidrs: readonly string[], spec: unknown, to: Problems) {
  if (cidrs.length === 0) return to.required(CIDRS, 'at least one CIDR required')
  if (cidrs.length > 2) return to.invalid(CIDRS, spec, 'may only hold up to 2 values')
  cidrs.forEach((cidr, i) => to.each(CIDRS.index(i), cidr, cidrErrors(cidr)))
  const [a, b] = cidrs.map((cidr) => parseNetwork(cidr)?.address.version)
  if (cidrs.length === 2 && a !== undefined && a === b) {
    const why = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
    to.invalid(CIDRS, cidrs, why)
  }
}

export const serviceCidrRules: Rules = {
  create: ({ spec }, to) => checkCidrs(spec.cidrs ?? [], spec, to),
  /** A network of the other family may be added, nothing else. */
  update({ spec }, { spec: was }, to) {
    const [cidrs, before]: string[][] = [spec.cidrs ?? [], was.cidrs ?? []]
    if (jsonEqual(cidrs, before)) return
    const isAddition = before!.length === 1 && cidrs!.length === 2
    if (before!.length !== cidrs!.length && !isAddition) return to.add([immutableValue('spec.cidrs', cidrs)])
    before!.forEach((cidr, i) => {
      if (cidr !== cidrs![i]) to.add([immutableValue(`spec.cidrs[${i}]`, cidrs![i])])
    })
    if (isAddition) checkCidrs(cidrs!, spec, to)
  },
}
