/**
 * APIService, by which the aggregator learns who serves a group and version. Also its spec, status and the
 * reference to the Service behind it.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const ServiceReference = message(
  'apiregistration.v1.ServiceReference',
  'Service behind which an aggregated API server runs.',
  {
    namespace: f.string(1, 'Namespace of the Service.'),
    name: f.string(2, 'Name of the Service.'),
    port: f.int32(3, 'Port of the Service, from 1 to 65535; default 443.').pointer().default(443),
  },
)
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const APIServiceSpec = message(
  'apiregistration.v1.APIServiceSpec',
  'Who serves a group and version, and how it ranks among others.',
  {
    service: f.message(
      ServiceReference,
      1,
      'Service to forward requests to; left out when this server handles them itself.',
    ),
    group: f.string(2, 'API group that is served.'),
    version: f.string(3, 'API version that is served.'),
    insecureSkipTLSVerify: f.bool(4, 'Turns off checking the certificate of the server; not advisable.'),
    caBundle: f
      .bytes(5, 'PEM certificates to verify the server with; by default the system roots are trusted.')
      .atomic(),
    groupPriorityMinimum: f.int32(7, 'Rank of the group in discovery, up to 20000; higher comes first.').required(),
    versionPriority: f.int32(8, 'Rank of the version within its group; higher comes first.').required(),
  },
)
export interface APIServiceSpec extends Infer<typeof APIServiceSpec> {}

export const APIServiceCondition = message(
  'apiregistration.v1.APIServiceCondition',
  'One observed aspect of the state of an APIService.',
  {
    type: f.string(1, 'Name of the condition, such as Available.').required(),
    status: f.string(2, 'True, False or Unknown.').required(),
    lastTransitionTime: f.time(3, 'When status last changed its value.'),
    reason: f.string(4, 'Short machine-readable cause of the last change.'),
    message: f.string(5, 'Details of the last change, meant for people.'),
  },
)
export interface APIServiceCondition extends Infer<typeof APIServiceCondition> {}

export const APIServiceStatus = message('apiregistration.v1.APIServiceStatus', 'Observed state of an APIService.', {
  conditions: f
    .list(APIServiceCondition, 1, 'Latest observations about the APIService, one per type.')
    .map('type')
    .merge('type'),
})
export interface APIServiceStatus extends Infer<typeof APIServiceStatus> {}

export const APIService = kind(
  'apiregistration.k8s.io',
  'v1',
  'APIService',
  'Says which server handles one group and version; named version.group.',
  {
    spec: f.message(APIServiceSpec, 2, 'Who serves the group and version.').present(),
    status: f.message(APIServiceStatus, 3, 'Observed state, above all whether it can be reached.').present(),
  },
)
export interface APIService extends Infer<typeof APIService> {}
