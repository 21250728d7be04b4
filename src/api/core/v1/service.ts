/** @@HEAD core/v1/service.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { ObjectReference } from './shared.ts'
import { Condition } from '#api/meta/v1.ts'

export const ClientIPConfig = message('core.v1.ClientIPConfig', '', {
  timeoutSeconds: f.int32(1, ''),
})
export interface ClientIPConfig extends Infer<typeof ClientIPConfig> {}

export const EndpointAddress = message('core.v1.EndpointAddress', '', {
  ip: f.string(1, '').required(),
  targetRef: f.message(ObjectReference, 2, ''),
  hostname: f.string(3, ''),
  nodeName: f.string(4, ''),
})
export interface EndpointAddress extends Infer<typeof EndpointAddress> {}

export const EndpointPort = message('core.v1.EndpointPort', '', {
  name: f.string(1, ''),
  port: f.int32(2, '').required(),
  protocol: f.string(3, ''),
  appProtocol: f.string(4, ''),
})
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSubset = message('core.v1.EndpointSubset', '', {
  addresses: f.list(EndpointAddress, 1, '').atomic(),
  notReadyAddresses: f.list(EndpointAddress, 2, '').atomic(),
  ports: f.list(EndpointPort, 3, '').atomic(),
})
export interface EndpointSubset extends Infer<typeof EndpointSubset> {}

export const Endpoints = kind('', 'v1', 'Endpoints', '', {
  subsets: f.list(EndpointSubset, 2, '').atomic(),
})
export interface Endpoints extends Infer<typeof Endpoints> {}

export const PortStatus = message('core.v1.PortStatus', '', {
  port: f.int32(1, '').required(),
  protocol: f.string(2, '').required(),
  error: f.string(3, ''),
})
export interface PortStatus extends Infer<typeof PortStatus> {}

export const LoadBalancerIngress = message('core.v1.LoadBalancerIngress', '', {
  ip: f.string(1, ''),
  hostname: f.string(2, ''),
  ipMode: f.string(3, ''),
  ports: f.list(PortStatus, 4, '').atomic(),
})
export interface LoadBalancerIngress extends Infer<typeof LoadBalancerIngress> {}

export const LoadBalancerStatus = message('core.v1.LoadBalancerStatus', '', {
  ingress: f.list(LoadBalancerIngress, 1, '').atomic(),
})
export interface LoadBalancerStatus extends Infer<typeof LoadBalancerStatus> {}

export const ServicePort = message('core.v1.ServicePort', '', {
  name: f.string(1, ''),
  protocol: f.string(2, ''),
  port: f.int32(3, '').required(),
  targetPort: f.intOrString(4, ''),
  nodePort: f.int32(5, ''),
  appProtocol: f.string(6, ''),
})
export interface ServicePort extends Infer<typeof ServicePort> {}

export const SessionAffinityConfig = message('core.v1.SessionAffinityConfig', '', {
  clientIP: f.message(ClientIPConfig, 1, ''),
})
export interface SessionAffinityConfig extends Infer<typeof SessionAffinityConfig> {}

export const ServiceSpec = message('core.v1.ServiceSpec', '', {
  ports: f.list(ServicePort, 1, '').map('port', 'protocol').merge('port'),
  selector: f.mapOf('string', 2, '').atomic(),
  clusterIP: f.string(3, ''),
  type: f.string(4, ''),
  externalIPs: f.list('string', 5, '').atomic(),
  sessionAffinity: f.string(7, ''),
  loadBalancerIP: f.string(8, ''),
  loadBalancerSourceRanges: f.list('string', 9, '').atomic(),
  externalName: f.string(10, ''),
  externalTrafficPolicy: f.string(11, ''),
  healthCheckNodePort: f.int32(12, ''),
  publishNotReadyAddresses: f.bool(13, ''),
  sessionAffinityConfig: f.message(SessionAffinityConfig, 14, ''),
  ipFamilyPolicy: f.string(17, ''),
  clusterIPs: f.list('string', 18, '').atomic(),
  ipFamilies: f.list('string', 19, '').atomic(),
  allocateLoadBalancerNodePorts: f.bool(20, ''),
  loadBalancerClass: f.string(21, ''),
  internalTrafficPolicy: f.string(22, ''),
  trafficDistribution: f.string(23, ''),
})
export interface ServiceSpec extends Infer<typeof ServiceSpec> {}

export const ServiceStatus = message('core.v1.ServiceStatus', '', {
  loadBalancer: f.message(LoadBalancerStatus, 1, ''),
  conditions: f.list(Condition, 2, '').map('type').merge('type'),
})
export interface ServiceStatus extends Infer<typeof ServiceStatus> {}

export const Service = kind('', 'v1', 'Service', '', {
  spec: f.message(ServiceSpec, 2, '').present(),
  status: f.message(ServiceStatus, 3, '').present(),
})
export interface Service extends Infer<typeof Service> {}
