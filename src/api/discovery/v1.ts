/** @@HEAD discovery/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { ObjectReference } from '#api/core/v1/shared.ts'

export const EndpointConditions = message('discovery.v1.EndpointConditions', '', {
  ready: f.bool(1, ''),
  serving: f.bool(2, ''),
  terminating: f.bool(3, ''),
})
export interface EndpointConditions extends Infer<typeof EndpointConditions> {}

export const ForNode = message('discovery.v1.ForNode', '', {
  name: f.string(1, '').required(),
})
export interface ForNode extends Infer<typeof ForNode> {}

export const ForZone = message('discovery.v1.ForZone', '', {
  name: f.string(1, '').required(),
})
export interface ForZone extends Infer<typeof ForZone> {}

export const EndpointHints = message('discovery.v1.EndpointHints', '', {
  forZones: f.list(ForZone, 1, '').atomic(),
  forNodes: f.list(ForNode, 2, '').atomic(),
})
export interface EndpointHints extends Infer<typeof EndpointHints> {}

export const Endpoint = message('discovery.v1.Endpoint', '', {
  addresses: f.list('string', 1, '').required().set(),
  conditions: f.message(EndpointConditions, 2, ''),
  hostname: f.string(3, ''),
  targetRef: f.message(ObjectReference, 4, ''),
  deprecatedTopology: f.mapOf('string', 5, ''),
  nodeName: f.string(6, ''),
  zone: f.string(7, ''),
  hints: f.message(EndpointHints, 8, ''),
})
export interface Endpoint extends Infer<typeof Endpoint> {}

export const EndpointPort = message('discovery.v1.EndpointPort', '', {
  name: f.string(1, ''),
  protocol: f.string(2, ''),
  port: f.int32(3, ''),
  appProtocol: f.string(4, ''),
})
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSlice = kind('discovery.k8s.io', 'v1', 'EndpointSlice', '', {
  endpoints: f.list(Endpoint, 2, '').atomic(),
  ports: f.list(EndpointPort, 3, '').atomic(),
  addressType: f.string(4, '').required(),
})
export interface EndpointSlice extends Infer<typeof EndpointSlice> {}
