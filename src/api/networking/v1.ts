/** @@HEAD networking/v1.ts */
import { kind } from '#api/kind.ts'
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { TypedLocalObjectReference } from '#api/core/v1/shared.ts'
import { Condition, LabelSelector } from '#api/meta/v1.ts'

export const ServiceBackendPort = message('networking.v1.ServiceBackendPort', '', {
  name: f.string(1, ''),
  number: f.int32(2, ''),
})
export interface ServiceBackendPort extends Infer<typeof ServiceBackendPort> {}

export const IngressServiceBackend = message('networking.v1.IngressServiceBackend', '', {
  name: f.string(1, '').required(),
  port: f.message(ServiceBackendPort, 2, ''),
})
export interface IngressServiceBackend extends Infer<typeof IngressServiceBackend> {}

export const IngressBackend = message('networking.v1.IngressBackend', '', {
  resource: f.message(TypedLocalObjectReference, 3, ''),
  service: f.message(IngressServiceBackend, 4, ''),
})
export interface IngressBackend extends Infer<typeof IngressBackend> {}

export const HTTPIngressPath = message('networking.v1.HTTPIngressPath', '', {
  path: f.string(1, ''),
  backend: f.message(IngressBackend, 2, '').required(),
  pathType: f.string(3, '').required(),
})
export interface HTTPIngressPath extends Infer<typeof HTTPIngressPath> {}

export const HTTPIngressRuleValue = message('networking.v1.HTTPIngressRuleValue', '', {
  paths: f.list(HTTPIngressPath, 1, '').required().atomic(),
})
export interface HTTPIngressRuleValue extends Infer<typeof HTTPIngressRuleValue> {}

export const ParentReference = message('networking.v1.ParentReference', '', {
  group: f.string(1, ''),
  resource: f.string(2, '').required(),
  namespace: f.string(3, ''),
  name: f.string(4, '').required(),
})
export interface ParentReference extends Infer<typeof ParentReference> {}

export const IPAddressSpec = message('networking.v1.IPAddressSpec', '', {
  parentRef: f.message(ParentReference, 1, '').required(),
})
export interface IPAddressSpec extends Infer<typeof IPAddressSpec> {}

export const IPAddress = kind('networking.k8s.io', 'v1', 'IPAddress', '', {
  spec: f.message(IPAddressSpec, 2, '').present(),
})
export interface IPAddress extends Infer<typeof IPAddress> {}

export const IPBlock = message('networking.v1.IPBlock', '', {
  cidr: f.string(1, '').required(),
  except: f.list('string', 2, '').atomic(),
})
export interface IPBlock extends Infer<typeof IPBlock> {}

export const IngressRule = message('networking.v1.IngressRule', '', {
  host: f.string(1, ''),
  ...embedded(2, {
    http: f.message(HTTPIngressRuleValue, 1, ''),
  }),
})
export interface IngressRule extends Infer<typeof IngressRule> {}

export const IngressTLS = message('networking.v1.IngressTLS', '', {
  hosts: f.list('string', 1, '').atomic(),
  secretName: f.string(2, ''),
})
export interface IngressTLS extends Infer<typeof IngressTLS> {}

export const IngressSpec = message('networking.v1.IngressSpec', '', {
  defaultBackend: f.message(IngressBackend, 1, ''),
  tls: f.list(IngressTLS, 2, '').atomic(),
  rules: f.list(IngressRule, 3, '').atomic(),
  ingressClassName: f.string(4, ''),
})
export interface IngressSpec extends Infer<typeof IngressSpec> {}

export const IngressPortStatus = message('networking.v1.IngressPortStatus', '', {
  port: f.int32(1, '').required(),
  protocol: f.string(2, '').required(),
  error: f.string(3, ''),
})
export interface IngressPortStatus extends Infer<typeof IngressPortStatus> {}

export const IngressLoadBalancerIngress = message('networking.v1.IngressLoadBalancerIngress', '', {
  ip: f.string(1, ''),
  hostname: f.string(2, ''),
  ports: f.list(IngressPortStatus, 4, '').atomic(),
})
export interface IngressLoadBalancerIngress extends Infer<typeof IngressLoadBalancerIngress> {}

export const IngressLoadBalancerStatus = message('networking.v1.IngressLoadBalancerStatus', '', {
  ingress: f.list(IngressLoadBalancerIngress, 1, '').atomic(),
})
export interface IngressLoadBalancerStatus extends Infer<typeof IngressLoadBalancerStatus> {}

export const IngressStatus = message('networking.v1.IngressStatus', '', {
  loadBalancer: f.message(IngressLoadBalancerStatus, 1, ''),
})
export interface IngressStatus extends Infer<typeof IngressStatus> {}

export const Ingress = kind('networking.k8s.io', 'v1', 'Ingress', '', {
  spec: f.message(IngressSpec, 2, '').present(),
  status: f.message(IngressStatus, 3, '').present(),
})
export interface Ingress extends Infer<typeof Ingress> {}

export const IngressClassParametersReference = message('networking.v1.IngressClassParametersReference', '', {
  apiGroup: f.string(1, ''),
  kind: f.string(2, '').required(),
  name: f.string(3, '').required(),
  scope: f.string(4, ''),
  namespace: f.string(5, ''),
})
export interface IngressClassParametersReference extends Infer<typeof IngressClassParametersReference> {}

export const IngressClassSpec = message('networking.v1.IngressClassSpec', '', {
  controller: f.string(1, ''),
  parameters: f.message(IngressClassParametersReference, 2, ''),
})
export interface IngressClassSpec extends Infer<typeof IngressClassSpec> {}

export const IngressClass = kind('networking.k8s.io', 'v1', 'IngressClass', '', {
  spec: f.message(IngressClassSpec, 2, '').present(),
})
export interface IngressClass extends Infer<typeof IngressClass> {}

export const NetworkPolicyPeer = message('networking.v1.NetworkPolicyPeer', '', {
  podSelector: f.message(LabelSelector, 1, ''),
  namespaceSelector: f.message(LabelSelector, 2, ''),
  ipBlock: f.message(IPBlock, 3, ''),
})
export interface NetworkPolicyPeer extends Infer<typeof NetworkPolicyPeer> {}

export const NetworkPolicyPort = message('networking.v1.NetworkPolicyPort', '', {
  protocol: f.string(1, ''),
  port: f.intOrString(2, ''),
  endPort: f.int32(3, ''),
})
export interface NetworkPolicyPort extends Infer<typeof NetworkPolicyPort> {}

export const NetworkPolicyEgressRule = message('networking.v1.NetworkPolicyEgressRule', '', {
  ports: f.list(NetworkPolicyPort, 1, '').atomic(),
  to: f.list(NetworkPolicyPeer, 2, '').atomic(),
})
export interface NetworkPolicyEgressRule extends Infer<typeof NetworkPolicyEgressRule> {}

export const NetworkPolicyIngressRule = message('networking.v1.NetworkPolicyIngressRule', '', {
  ports: f.list(NetworkPolicyPort, 1, '').atomic(),
  from: f.list(NetworkPolicyPeer, 2, '').atomic(),
})
export interface NetworkPolicyIngressRule extends Infer<typeof NetworkPolicyIngressRule> {}

export const NetworkPolicySpec = message('networking.v1.NetworkPolicySpec', '', {
  podSelector: f.message(LabelSelector, 1, ''),
  ingress: f.list(NetworkPolicyIngressRule, 2, '').atomic(),
  egress: f.list(NetworkPolicyEgressRule, 3, '').atomic(),
  policyTypes: f.list('string', 4, '').atomic(),
})
export interface NetworkPolicySpec extends Infer<typeof NetworkPolicySpec> {}

export const NetworkPolicy = kind('networking.k8s.io', 'v1', 'NetworkPolicy', '', {
  spec: f.message(NetworkPolicySpec, 2, '').present(),
})
export interface NetworkPolicy extends Infer<typeof NetworkPolicy> {}

export const ServiceCIDRSpec = message('networking.v1.ServiceCIDRSpec', '', {
  cidrs: f.list('string', 1, '').atomic(),
})
export interface ServiceCIDRSpec extends Infer<typeof ServiceCIDRSpec> {}

export const ServiceCIDRStatus = message('networking.v1.ServiceCIDRStatus', '', {
  conditions: f.list(Condition, 1, '').map('type').merge('type'),
})
export interface ServiceCIDRStatus extends Infer<typeof ServiceCIDRStatus> {}

export const ServiceCIDR = kind('networking.k8s.io', 'v1', 'ServiceCIDR', '', {
  spec: f.message(ServiceCIDRSpec, 2, '').present(),
  status: f.message(ServiceCIDRStatus, 3, '').present(),
})
export interface ServiceCIDR extends Infer<typeof ServiceCIDR> {}
