/** @@HEAD apiregistration/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const ServiceReference = message('apiregistration.v1.ServiceReference', '', {
  namespace: f.string(1, ''),
  name: f.string(2, ''),
  port: f.int32(3, ''),
})
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const APIServiceSpec = message('apiregistration.v1.APIServiceSpec', '', {
  service: f.message(ServiceReference, 1, ''),
  group: f.string(2, ''),
  version: f.string(3, ''),
  insecureSkipTLSVerify: f.bool(4, ''),
  caBundle: f.bytes(5, '').atomic(),
  groupPriorityMinimum: f.int32(7, '').required(),
  versionPriority: f.int32(8, '').required(),
})
export interface APIServiceSpec extends Infer<typeof APIServiceSpec> {}

export const APIServiceCondition = message('apiregistration.v1.APIServiceCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastTransitionTime: f.time(3, ''),
  reason: f.string(4, ''),
  message: f.string(5, ''),
})
export interface APIServiceCondition extends Infer<typeof APIServiceCondition> {}

export const APIServiceStatus = message('apiregistration.v1.APIServiceStatus', '', {
  conditions: f.list(APIServiceCondition, 1, '').map('type').merge('type'),
})
export interface APIServiceStatus extends Infer<typeof APIServiceStatus> {}

export const APIService = kind('apiregistration.k8s.io', 'v1', 'APIService', '', {
  spec: f.message(APIServiceSpec, 2, '').present(),
  status: f.message(APIServiceStatus, 3, '').present(),
})
export interface APIService extends Infer<typeof APIService> {}
