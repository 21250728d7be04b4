/**
 * Service, the stable address in front of a set of pods, and Endpoints, the older list of what is behind it.
 * EndpointSlice in the discovery group has replaced Endpoints.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { ObjectReference } from './shared.ts'
import { Condition } from '#api/meta/v1.ts'

export const ClientIPConfig = message('core.v1.ClientIPConfig', 'Settings for session affinity by client address.', {
  timeoutSeconds: f.int32(1, 'Seconds a client keeps its pod after its last use: 1 to 86400; default 10800.').pointer(),
})
export interface ClientIPConfig extends Infer<typeof ClientIPConfig> {}

export const EndpointAddress = message('core.v1.EndpointAddress', 'One address behind a service.', {
  ip: f.string(1, 'IPv4 or IPv6 address; loopback, link-local and multicast ranges are refused.').required(),
  targetRef: f.message(ObjectReference, 2, 'Object behind this address, usually a pod.'),
  hostname: f.string(3, 'Host name that gets a DNS record under the service.'),
  nodeName: f.string(4, 'Node on which the address lives, if known.').pointer(),
}).atomic()
export interface EndpointAddress extends Infer<typeof EndpointAddress> {}

export const EndpointPort = message('core.v1.EndpointPort', 'One port on which the addresses of a subset serve.', {
  name: f.string(1, 'Name of the matching service port; may be empty if there is just one.'),
  port: f.int32(2, 'Port number on which the endpoint listens.').required(),
  protocol: f
    .string(3, 'Transport protocol: TCP, UDP or SCTP; default TCP.')
    .oneOf('SCTP', 'TCP', 'UDP')
    .default('TCP'),
  appProtocol: f
    .string(4, 'Application protocol spoken, such as http or kubernetes.io/h2c; a hint to implementations.')
    .pointer(),
}).atomic()
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSubset = message(
  'core.v1.EndpointSubset',
  'Addresses that share one set of ports; each address serves on each port.',
  {
    addresses: f.list(EndpointAddress, 1, 'Addresses that are ready to take traffic.').atomic(),
    notReadyAddresses: f
      .list(EndpointAddress, 2, 'Addresses that are starting, failing readiness checks or otherwise not ready.')
      .atomic(),
    ports: f.list(EndpointPort, 3, 'Ports served at each of the addresses.').atomic(),
  },
)
export interface EndpointSubset extends Infer<typeof EndpointSubset> {}

export const Endpoints = kind(
  '',
  'v1',
  'Endpoints',
  'Addresses and ports behind the service of the same name. Deprecated; use EndpointSlice.',
  {
    subsets: f.list(EndpointSubset, 2, 'Groups of addresses with the ports they serve on.').atomic(),
  },
)
export interface Endpoints extends Infer<typeof Endpoints> {}

export const PortStatus = message('core.v1.PortStatus', 'State of one port of a load balancer.', {
  port: f.int32(1, 'Port number of the load balancer.').required(),
  protocol: f.string(2, 'Transport protocol: TCP, UDP or SCTP.').required().oneOf('SCTP', 'TCP', 'UDP'),
  error: f.string(3, 'CamelCase reason why the port could not be set up; absent when fine.').pointer(),
})
export interface PortStatus extends Infer<typeof PortStatus> {}

export const LoadBalancerIngress = message(
  'core.v1.LoadBalancerIngress',
  'One entry point at which a load balancer takes traffic.',
  {
    ip: f.string(1, 'Address of the load balancer, if it is reached by address.'),
    hostname: f.string(2, 'DNS name of the load balancer, if it is reached by name.'),
    ipMode: f.string(3, 'How traffic to the address arrives: VIP or Proxy; only with ip; default VIP.').pointer(),
    ports: f.list(PortStatus, 4, 'State of each service port at this entry point.').atomic(),
  },
)
export interface LoadBalancerIngress extends Infer<typeof LoadBalancerIngress> {}

export const LoadBalancerStatus = message('core.v1.LoadBalancerStatus', 'State of the load balancer of a service.', {
  ingress: f.list(LoadBalancerIngress, 1, 'Entry points at which the load balancer takes traffic.').atomic(),
})
export interface LoadBalancerStatus extends Infer<typeof LoadBalancerStatus> {}

export const ServicePort = message('core.v1.ServicePort', 'One port that a service exposes.', {
  name: f.string(1, 'Name of this port, unique in the service; optional if there is only one.'),
  protocol: f
    .string(2, 'Transport protocol: TCP, UDP or SCTP; default TCP.')
    .oneOf('SCTP', 'TCP', 'UDP')
    .default('TCP'),
  port: f.int32(3, 'Port number on the service address, 1 to 65535.').required(),
  targetPort: f.intOrString(4, 'Port number or name on the pods; default is the value of port.'),
  nodePort: f.int32(5, 'Port opened on each node for NodePort and LoadBalancer services; allocated when left out.'),
  appProtocol: f
    .string(6, 'Application protocol spoken, such as http or kubernetes.io/ws; a hint to implementations.')
    .pointer(),
})
export interface ServicePort extends Infer<typeof ServicePort> {}

export const SessionAffinityConfig = message(
  'core.v1.SessionAffinityConfig',
  'Settings for the chosen session affinity.',
  {
    clientIP: f.message(ClientIPConfig, 1, 'Settings used when session affinity is ClientIP.'),
  },
)
export interface SessionAffinityConfig extends Infer<typeof SessionAffinityConfig> {}

export const ServiceSpec = message('core.v1.ServiceSpec', 'Which pods a service sends to, and how it is reached.', {
  ports: f
    .list(ServicePort, 1, 'Ports this service exposes; may be empty only for headless and ExternalName services.')
    .map('port', 'protocol')
    .merge('port'),
  selector: f
    .mapOf('string', 2, 'Labels of the pods to send to; when empty, endpoints are managed by someone else.')
    .atomic(),
  clusterIP: f.string(3, 'Address inside the cluster; allocated when left out; None makes the service headless.'),
  type: f
    .string(4, 'How the service is exposed: ClusterIP, NodePort, LoadBalancer or ExternalName; default ClusterIP.')
    .oneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort')
    .default('ClusterIP'),
  externalIPs: f
    .list('string', 5, 'Extra addresses, routed to nodes by other means, at which traffic is also taken.')
    .atomic(),
  sessionAffinity: f
    .string(7, 'Whether a client keeps reaching the same pod: None or ClientIP; default None.')
    .oneOf('ClientIP', 'None')
    .default('None'),
  loadBalancerIP: f.string(8, 'Address wanted from the load balancer provider. Deprecated; providers may ignore it.'),
  loadBalancerSourceRanges: f
    .list('string', 9, 'Client CIDRs allowed through the load balancer, where the provider supports it; default all.')
    .atomic(),
  externalName: f.string(10, 'DNS name returned as a CNAME record; required for type ExternalName.'),
  externalTrafficPolicy: f
    .string(11, 'Where outside traffic goes: Cluster (all endpoints) or Local (same node only); default Cluster.')
    .oneOf('Cluster', 'Local'),
  healthCheckNodePort: f.int32(
    12,
    'Node port for load balancer health checks when externalTrafficPolicy is Local; allocated when left out.',
  ),
  publishNotReadyAddresses: f.bool(
    13,
    'When true, pods count as ready in DNS and endpoints even if not; default false.',
  ),
  sessionAffinityConfig: f.message(SessionAffinityConfig, 14, 'Settings for session affinity, used with ClientIP.'),
  ipFamilyPolicy: f
    .string(17, 'IP families wanted: SingleStack, PreferDualStack or RequireDualStack; default SingleStack.')
    .pointer()
    .oneOf('PreferDualStack', 'RequireDualStack', 'SingleStack'),
  clusterIPs: f
    .list('string', 18, 'All addresses inside the cluster, at most one per IP family; the first equals clusterIP.')
    .atomic(),
  ipFamilies: f
    .list('string', 19, 'IP families of this service in order of preference: IPv4, IPv6 or both.')
    .atomic()
    .oneOf('', 'IPv4', 'IPv6'),
  allocateLoadBalancerNodePorts: f
    .bool(20, 'Whether a LoadBalancer service gets node ports automatically; default true.')
    .pointer(),
  loadBalancerClass: f
    .string(
      21,
      'Which load balancer implementation serves this service; default is that of the cluster; cannot change.',
    )
    .pointer(),
  internalTrafficPolicy: f
    .string(22, 'Where inside traffic goes: Cluster (all endpoints) or Local (same node only); default Cluster.')
    .pointer()
    .oneOf('Cluster', 'Local'),
  trafficDistribution: f
    .string(23, 'Preference among endpoints: PreferSameZone, PreferSameNode or PreferClose; default none.')
    .pointer(),
})
export interface ServiceSpec extends Infer<typeof ServiceSpec> {}

export const ServiceStatus = message('core.v1.ServiceStatus', 'What is known about the exposure of a service.', {
  loadBalancer: f.message(LoadBalancerStatus, 1, 'State of the load balancer, if there is one.').present(),
  conditions: f
    .list(Condition, 2, 'Latest observations about the service, at most one per type.')
    .map('type')
    .merge('type'),
})
export interface ServiceStatus extends Infer<typeof ServiceStatus> {}

export const Service = kind('', 'v1', 'Service', 'A stable address and name in front of a changing set of pods.', {
  spec: f.message(ServiceSpec, 2, 'Which pods to send to, and how to be reached.').present(),
  status: f.message(ServiceStatus, 3, 'What the system reports about the service.').present(),
})
export interface Service extends Infer<typeof Service> {}
