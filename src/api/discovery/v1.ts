/**
 * EndpointSlice, a part of the endpoints behind a Service. Also the endpoints, ports, conditions and routing hints
 * it consists of.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { ObjectReference } from '#api/core/v1/shared.ts'

export const EndpointConditions = message('discovery.v1.EndpointConditions', 'State that an endpoint is in.', {
  ready: f.bool(1, 'Whether the endpoint can take traffic; unset counts as true.').pointer(),
  serving: f.bool(2, 'Like ready, but not affected by termination; unset counts as true.').pointer(),
  terminating: f.bool(3, 'Whether the endpoint is shutting down; unset counts as false.').pointer(),
})
export interface EndpointConditions extends Infer<typeof EndpointConditions> {}

export const ForNode = message('discovery.v1.ForNode', 'A node whose traffic an endpoint should take.', {
  name: f.string(1, 'Name of the node.').required(),
})
export interface ForNode extends Infer<typeof ForNode> {}

export const ForZone = message('discovery.v1.ForZone', 'A zone whose traffic an endpoint should take.', {
  name: f.string(1, 'Name of the zone.').required(),
})
export interface ForZone extends Infer<typeof ForZone> {}

export const EndpointHints = message('discovery.v1.EndpointHints', 'Suggests which clients an endpoint should serve.', {
  forZones: f.list(ForZone, 1, 'Zones that should use this endpoint, at most 8.').atomic(),
  forNodes: f.list(ForNode, 2, 'Nodes that should use this endpoint, at most 8.').atomic(),
})
export interface EndpointHints extends Infer<typeof EndpointHints> {}

export const Endpoint = message('discovery.v1.Endpoint', 'One backend of a Service.', {
  addresses: f
    .list('string', 1, 'Addresses of the backend, 1 to 100, all of the addressType of the slice.')
    .required()
    .set(),
  conditions: f.message(EndpointConditions, 2, 'State of the backend.').present(),
  hostname: f.string(3, 'Host name of the backend, used for DNS; a lower-case DNS label.').pointer(),
  targetRef: f.message(ObjectReference, 4, 'Object behind the endpoint, usually a Pod.'),
  deprecatedTopology: f.mapOf('string', 5, 'Topology labels from the old v1beta1 API; cannot be set any more.'),
  nodeName: f.string(6, 'Node that the backend runs on.').pointer(),
  zone: f.string(7, 'Zone that the backend is in.').pointer(),
  hints: f.message(EndpointHints, 8, 'Which clients should use this endpoint.'),
})
export interface Endpoint extends Infer<typeof Endpoint> {}

export const EndpointPort = message('discovery.v1.EndpointPort', 'A port that all endpoints of a slice offer.', {
  name: f.string(1, 'Name of the port, unique in the slice; may be empty.').pointer().default(''),
  protocol: f
    .string(2, 'IP protocol: TCP (default), UDP or SCTP.')
    .pointer()
    .oneOf('SCTP', 'TCP', 'UDP')
    .default('TCP'),
  port: f.int32(3, 'Port number of the backend; if unset, consumers decide what it means.').pointer(),
  appProtocol: f
    .string(4, 'Application protocol, such as http, kubernetes.io/h2c or a prefixed name of your own.')
    .pointer(),
}).atomic()
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSlice = kind(
  'discovery.k8s.io',
  'v1',
  'EndpointSlice',
  'A group of endpoints that belong to a Service, with their ports.',
  {
    endpoints: f.list(Endpoint, 2, 'Backends in this slice, at most 1000.').atomic(),
    ports: f.list(EndpointPort, 3, 'Ports that every endpoint of the slice offers; may be empty.').atomic(),
    addressType: f
      .string(4, 'Kind of all addresses in the slice: IPv4, IPv6 or FQDN; cannot be changed.')
      .required()
      .oneOf('FQDN', 'IPv4', 'IPv6'),
  },
)
export interface EndpointSlice extends Infer<typeof EndpointSlice> {}
