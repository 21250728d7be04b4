/**
 * Ingress and IngressClass for HTTP from outside, NetworkPolicy for what pods may talk to, and IPAddress and
 * ServiceCIDR for the addresses of Services. Each has its spec, status and parts.
 */
import { kind } from '#api/kind.ts'
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { TypedLocalObjectReference } from '#api/core/v1/shared.ts'
import { Condition, LabelSelector } from '#api/meta/v1.ts'

export const ServiceBackendPort = message(
  'networking.v1.ServiceBackendPort',
  'Port of a Service, by name or by number.',
  {
    name: f.string(1, 'Name of the port; excludes number.'),
    number: f.int32(2, 'Number of the port; excludes name.'),
  },
).atomic()
export interface ServiceBackendPort extends Infer<typeof ServiceBackendPort> {}

export const IngressServiceBackend = message(
  'networking.v1.IngressServiceBackend',
  'A Service that an Ingress sends traffic to.',
  {
    name: f.string(1, 'Name of the Service, in the namespace of the Ingress.').required(),
    port: f.message(ServiceBackendPort, 2, 'Port of the Service to use.').present(),
  },
)
export interface IngressServiceBackend extends Infer<typeof IngressServiceBackend> {}

export const IngressBackend = message(
  'networking.v1.IngressBackend',
  'Where an Ingress sends traffic; set either resource or service.',
  {
    resource: f.message(TypedLocalObjectReference, 3, 'Another object in the same namespace to send traffic to.'),
    service: f.message(IngressServiceBackend, 4, 'Service to send traffic to.'),
  },
)
export interface IngressBackend extends Infer<typeof IngressBackend> {}

export const HTTPIngressPath = message(
  'networking.v1.HTTPIngressPath',
  'Sends requests with a certain path to a backend.',
  {
    path: f.string(1, 'Path to match, starting with a slash; may be empty for ImplementationSpecific.'),
    backend: f.message(IngressBackend, 2, 'Where matching requests go.').required().present(),
    pathType: f
      .string(3, 'How path is compared: Exact, Prefix or ImplementationSpecific.')
      .required()
      .pointer()
      .oneOf('Exact', 'ImplementationSpecific', 'Prefix'),
  },
)
export interface HTTPIngressPath extends Infer<typeof HTTPIngressPath> {}

export const HTTPIngressRuleValue = message(
  'networking.v1.HTTPIngressRuleValue',
  'Paths of a rule and the backends they lead to.',
  {
    paths: f.list(HTTPIngressPath, 1, 'Paths to match; the longest match wins.').required().atomic(),
  },
)
export interface HTTPIngressRuleValue extends Infer<typeof HTTPIngressRuleValue> {}

export const ParentReference = message('networking.v1.ParentReference', 'Object that an address is reserved for.', {
  group: f.string(1, 'API group of the object; empty for the core group.'),
  resource: f.string(2, 'Plural name of the resource, such as services.').required(),
  namespace: f.string(3, 'Namespace of the object.'),
  name: f.string(4, 'Name of the object.').required(),
})
export interface ParentReference extends Infer<typeof ParentReference> {}

export const IPAddressSpec = message('networking.v1.IPAddressSpec', 'What an IP address is used for.', {
  parentRef: f.message(ParentReference, 1, 'Object that uses the address, normally a Service.').required(),
})
export interface IPAddressSpec extends Infer<typeof IPAddressSpec> {}

export const IPAddress = kind(
  'networking.k8s.io',
  'v1',
  'IPAddress',
  'An IP address that is in use by a Service; its name is the address.',
  {
    spec: f.message(IPAddressSpec, 2, 'What the address is used for.').required().present(),
  },
)
export interface IPAddress extends Infer<typeof IPAddress> {}

export const IPBlock = message('networking.v1.IPBlock', 'A range of IP addresses, less some exceptions.', {
  cidr: f.string(1, 'Range in CIDR notation, such as 192.168.1.0/24.').required(),
  except: f.list('string', 2, 'Ranges inside cidr that are left out.').atomic(),
})
export interface IPBlock extends Infer<typeof IPBlock> {}

export const IngressRule = message('networking.v1.IngressRule', 'Rules for one host.', {
  host: f.string(1, 'Host name to match, exact or such as *.example.com; empty matches all.'),
  ...embedded(2, {
    http: f.message(HTTPIngressRuleValue, 1, 'Paths and their backends; if unset, all goes to the default backend.'),
  }),
})
export interface IngressRule extends Infer<typeof IngressRule> {}

export const IngressTLS = message('networking.v1.IngressTLS', 'Certificate for some hosts.', {
  hosts: f.list('string', 1, 'Hosts that the certificate is for; by default all of the Ingress.').atomic(),
  secretName: f.string(2, 'Secret of type kubernetes.io/tls that holds certificate and key.'),
})
export interface IngressTLS extends Infer<typeof IngressTLS> {}

export const IngressSpec = message('networking.v1.IngressSpec', 'Wanted behaviour of an Ingress.', {
  defaultBackend: f.message(IngressBackend, 1, 'Where requests go that no rule matches.'),
  tls: f.list(IngressTLS, 2, 'Certificates to offer on port 443, chosen by host name.').atomic(),
  rules: f.list(IngressRule, 3, 'Rules by host and path; if none match, the default backend is used.').atomic(),
  ingressClassName: f
    .string(4, 'IngressClass that should handle this Ingress; may default to the class marked so.')
    .pointer(),
})
export interface IngressSpec extends Infer<typeof IngressSpec> {}

export const IngressPortStatus = message('networking.v1.IngressPortStatus', 'State of one port of a load balancer.', {
  port: f.int32(1, 'Number of the port.').required(),
  protocol: f.string(2, 'Protocol of the port: TCP, UDP or SCTP.').required().oneOf('SCTP', 'TCP', 'UDP'),
  error: f.string(3, 'Problem with the port, in CamelCase or with a domain as prefix.').pointer(),
})
export interface IngressPortStatus extends Infer<typeof IngressPortStatus> {}

export const IngressLoadBalancerIngress = message(
  'networking.v1.IngressLoadBalancerIngress',
  'One address at which an Ingress can be reached.',
  {
    ip: f.string(1, 'IP address, for load balancers that have one.'),
    hostname: f.string(2, 'DNS name, for load balancers that have one.'),
    ports: f.list(IngressPortStatus, 4, 'State of the ports of the load balancer.').atomic(),
  },
)
export interface IngressLoadBalancerIngress extends Infer<typeof IngressLoadBalancerIngress> {}

export const IngressLoadBalancerStatus = message(
  'networking.v1.IngressLoadBalancerStatus',
  'Addresses of the load balancer of an Ingress.',
  {
    ingress: f.list(IngressLoadBalancerIngress, 1, 'Addresses at which traffic is accepted.').atomic(),
  },
)
export interface IngressLoadBalancerStatus extends Infer<typeof IngressLoadBalancerStatus> {}

export const IngressStatus = message('networking.v1.IngressStatus', 'Observed state of an Ingress.', {
  loadBalancer: f.message(IngressLoadBalancerStatus, 1, 'Addresses of the load balancer.').present(),
})
export interface IngressStatus extends Infer<typeof IngressStatus> {}

export const Ingress = kind(
  'networking.k8s.io',
  'v1',
  'Ingress',
  'Routes HTTP requests from outside to Services, by host and path.',
  {
    spec: f.message(IngressSpec, 2, 'Wanted behaviour of the Ingress.').present(),
    status: f.message(IngressStatus, 3, 'Observed state, written by the ingress controller.').present(),
  },
)
export interface Ingress extends Infer<typeof Ingress> {}

export const IngressClassParametersReference = message(
  'networking.v1.IngressClassParametersReference',
  'Object with more settings for an ingress controller.',
  {
    apiGroup: f.string(1, 'API group of the object; empty for the core group.').pointer(),
    kind: f.string(2, 'Kind of the object.').required(),
    name: f.string(3, 'Name of the object.').required(),
    scope: f
      .string(4, 'Whether it is a cluster-wide or namespaced object: Cluster (default) or Namespace.')
      .pointer()
      .default('Cluster'),
    namespace: f.string(5, 'Namespace of the object; needed when scope is Namespace.').pointer(),
  },
)
export interface IngressClassParametersReference extends Infer<typeof IngressClassParametersReference> {}

export const IngressClassSpec = message(
  'networking.v1.IngressClassSpec',
  'Which controller handles an ingress class.',
  {
    controller: f.string(
      1,
      'Name of the controller as a path with domain, such as example.com/ingress; cannot be changed.',
    ),
    parameters: f.message(IngressClassParametersReference, 2, 'Object with more settings for the controller.'),
  },
)
export interface IngressClassSpec extends Infer<typeof IngressClassSpec> {}

export const IngressClass = kind(
  'networking.k8s.io',
  'v1',
  'IngressClass',
  'Names a controller that Ingresses can choose by class.',
  {
    spec: f.message(IngressClassSpec, 2, 'Which controller handles this class.').present(),
  },
)
export interface IngressClass extends Infer<typeof IngressClass> {}

export const NetworkPolicyPeer = message(
  'networking.v1.NetworkPolicyPeer',
  'Who traffic may come from or go to; ipBlock excludes the selectors.',
  {
    podSelector: f.message(LabelSelector, 1, 'Pods by label; in the selected namespaces, or else that of the policy.'),
    namespaceSelector: f.message(LabelSelector, 2, 'Namespaces by label; empty selects all of them.'),
    ipBlock: f.message(IPBlock, 3, 'A range of IP addresses.'),
  },
)
export interface NetworkPolicyPeer extends Infer<typeof NetworkPolicyPeer> {}

export const NetworkPolicyPort = message('networking.v1.NetworkPolicyPort', 'Ports that traffic may use.', {
  protocol: f.string(1, 'TCP (default), UDP or SCTP.').pointer().oneOf('SCTP', 'TCP', 'UDP').default('TCP'),
  port: f.intOrString(2, 'Number or name of the port; if unset, all ports match.'),
  endPort: f.int32(3, 'Last port of a range that begins at port, which must be a number.').pointer(),
})
export interface NetworkPolicyPort extends Infer<typeof NetworkPolicyPort> {}

export const NetworkPolicyEgressRule = message(
  'networking.v1.NetworkPolicyEgressRule',
  'Traffic that selected pods may send.',
  {
    ports: f.list(NetworkPolicyPort, 1, 'Ports that may be used; empty means all ports.').atomic(),
    to: f.list(NetworkPolicyPeer, 2, 'Where traffic may go; empty means anywhere.').atomic(),
  },
)
export interface NetworkPolicyEgressRule extends Infer<typeof NetworkPolicyEgressRule> {}

export const NetworkPolicyIngressRule = message(
  'networking.v1.NetworkPolicyIngressRule',
  'Traffic that selected pods may receive.',
  {
    ports: f.list(NetworkPolicyPort, 1, 'Ports that may be used; empty means all ports.').atomic(),
    from: f.list(NetworkPolicyPeer, 2, 'Where traffic may come from; empty means anywhere.').atomic(),
  },
)
export interface NetworkPolicyIngressRule extends Infer<typeof NetworkPolicyIngressRule> {}

export const NetworkPolicySpec = message('networking.v1.NetworkPolicySpec', 'Wanted behaviour of a NetworkPolicy.', {
  podSelector: f.message(LabelSelector, 1, 'Pods the policy applies to; empty selects all in the namespace.').present(),
  ingress: f
    .list(NetworkPolicyIngressRule, 2, 'Incoming traffic that is allowed; without a rule nothing gets in.')
    .atomic(),
  egress: f
    .list(NetworkPolicyEgressRule, 3, 'Outgoing traffic that is allowed; without a rule nothing gets out.')
    .atomic(),
  policyTypes: f
    .list('string', 4, 'Directions it restricts; default Ingress, and Egress if there are egress rules.')
    .atomic()
    .oneOf('Egress', 'Ingress'),
})
export interface NetworkPolicySpec extends Infer<typeof NetworkPolicySpec> {}

export const NetworkPolicy = kind(
  'networking.k8s.io',
  'v1',
  'NetworkPolicy',
  'Says what traffic pods may receive and send.',
  {
    spec: f.message(NetworkPolicySpec, 2, 'Wanted behaviour of the policy.').present(),
  },
)
export interface NetworkPolicy extends Infer<typeof NetworkPolicy> {}

export const ServiceCIDRSpec = message('networking.v1.ServiceCIDRSpec', 'Address ranges for Services.', {
  cidrs: f.list('string', 1, 'One IPv4 range, one IPv6 range, or one of each.').atomic(),
})
export interface ServiceCIDRSpec extends Infer<typeof ServiceCIDRSpec> {}

export const ServiceCIDRStatus = message('networking.v1.ServiceCIDRStatus', 'Observed state of a ServiceCIDR.', {
  conditions: f.list(Condition, 1, 'Latest observations about the ranges, one per type.').map('type').merge('type'),
})
export interface ServiceCIDRStatus extends Infer<typeof ServiceCIDRStatus> {}

export const ServiceCIDR = kind(
  'networking.k8s.io',
  'v1',
  'ServiceCIDR',
  'Address ranges from which Services get their cluster IPs.',
  {
    spec: f.message(ServiceCIDRSpec, 2, 'The address ranges themselves.').present(),
    status: f.message(ServiceCIDRStatus, 3, 'Observed state, above all whether it is ready.').present(),
  },
)
export interface ServiceCIDR extends Infer<typeof ServiceCIDR> {}
