/** Rows of access control, extension, scheduling and the remaining groups. Upstream: `printRoleBinding` and its like. */
import {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '#api/admissionregistration/v1.ts'
import { APIService } from '#api/apiregistration/v1.ts'
import { Scale } from '#api/autoscaling/v1.ts'
import { CertificateSigningRequest } from '#api/certificates/v1.ts'
import { Lease } from '#api/coordination/v1.ts'
import { FlowSchema, PriorityLevelConfiguration } from '#api/flowcontrol/v1.ts'
import { RuntimeClass } from '#api/node/v1.ts'
import { ClusterRoleBinding, RoleBinding } from '#api/rbac/v1.ts'
import { ResourceClaim, ResourceSlice } from '#api/resource/v1.ts'
import { PriorityClass } from '#api/scheduling/v1.ts'
import type { Message } from '#api/schema.ts'
import { conditionOf } from '#machinery/conditions.ts'
import { humanDuration } from './human-duration.ts'
import {
  AGE,
  age,
  boolean,
  column,
  integer,
  NAME,
  type Printed,
  type Printer,
  printer,
  selectorText,
  wide,
} from './printer.ts'

/** For kinds that have nothing to show but when they were created, as a time rather than an age. */
export const plainPrinter = (type: Message): Printer =>
  printer(type, {
    columns: [NAME, column('Created At', 'metadata.creationTimestamp', { type: 'date' })],
    cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? null],
  })

export const agePrinter = (type: Message): Printer =>
  printer(type, { columns: [NAME, AGE], cells: (object, now) => [object.metadata.name, age(object, now)] })

/** For the subresource of that name, whatever it is a subresource of. */
export const scalePrinter: Printer = printer(Scale, {
  columns: [
    column('Name', 'metadata.name'),
    integer('Desired', 'spec.replicas'),
    integer('Available', 'status.replicas'),
    AGE,
  ],
  cells: (scale, now) => [scale.metadata.name, scale.spec?.replicas ?? 0, scale.status?.replicas ?? 0, age(scale, now)],
})

const subjectNames = ({ subjects }: Printed, kind: string) =>
  (subjects ?? [])
    .filter((subject: { kind: string }) => subject.kind === kind)
    .map(({ namespace, name }: { namespace?: string; name: string }) =>
      kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name,
    )
    .join(', ')

const bindingPrinter = (type: Message): Printer =>
  printer(type, {
    columns: [
      NAME,
      column('Role', 'roleRef'),
      AGE,
      wide('Users', 'Users that are given the role.'),
      wide('Groups', 'Groups that are given the role.'),
      wide('ServiceAccounts', 'Service accounts that are given the role.'),
    ],
    cells: (binding, now) => [
      binding.metadata.name,
      `${binding.roleRef.kind}/${binding.roleRef.name}`,
      age(binding, now),
      ...['User', 'Group', 'ServiceAccount'].map((kind) => subjectNames(binding, kind)),
    ],
  })
export const roleBindingPrinter = bindingPrinter(RoleBinding)
export const clusterRoleBindingPrinter = bindingPrinter(ClusterRoleBinding)

export const certificateSigningRequestPrinter = printer(CertificateSigningRequest, {
  columns: [
    NAME,
    AGE,
    column('SignerName', 'spec.signerName'),
    column('Requestor', 'spec.username'),
    column('RequestedDuration', 'spec.expirationSeconds'),
    column('Condition', 'status.conditions'),
  ],
  cells(request, now) {
    const { spec, status = {} } = request
    const has = (type: string) => conditionOf(status.conditions, type) !== undefined
    const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
    return [
      request.metadata.name,
      age(request, now),
      spec.signerName || '<none>',
      spec.username ?? '',
      spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000),
      `${decision}${has('Failed') ? ',Failed' : ''}${status.certificate ? ',Issued' : ''}`,
    ]
  },
})

export const leasePrinter = printer(Lease, {
  columns: [NAME, column('Holder', 'spec.holderIdentity'), AGE],
  cells: (lease, now) => [lease.metadata.name, lease.spec?.holderIdentity ?? '', age(lease, now)],
})

export const priorityClassPrinter = printer(PriorityClass, {
  columns: [
    NAME,
    integer('Value', 'value'),
    boolean('Global-Default', 'globalDefault'),
    AGE,
    column('PreemptionPolicy', 'preemptionPolicy'),
  ],
  cells: (priority, now) => [
    priority.metadata.name,
    priority.value ?? 0,
    priority.globalDefault ?? false,
    age(priority, now),
    priority.preemptionPolicy ?? '',
  ],
})

export const runtimeClassPrinter = printer(RuntimeClass, {
  columns: [NAME, column('Handler', 'handler'), AGE],
  cells: (runtimeClass, now) => [runtimeClass.metadata.name, runtimeClass.handler, age(runtimeClass, now)],
})

const webhookPrinter = (type: Message): Printer =>
  printer(type, {
    columns: [NAME, integer('Webhooks', 'Number of webhooks in the configuration.'), AGE],
    cells: (object, now) => [object.metadata.name, (object.webhooks ?? []).length, age(object, now)],
  })
export const mutatingWebhookPrinter = webhookPrinter(MutatingWebhookConfiguration)
export const validatingWebhookPrinter = webhookPrinter(ValidatingWebhookConfiguration)

const policyPrinter = (type: Message, name: string, field: string): Printer =>
  printer(type, {
    columns: [NAME, integer(name, `spec.${field}`), column('ParamKind', 'spec.paramKind'), AGE],
    cells(policy, now) {
      const kind = policy.spec.paramKind
      const count = (policy.spec[field] ?? []).length
      return [policy.metadata.name, count, kind ? `${kind.apiVersion}/${kind.kind}` : '<unset>', age(policy, now)]
    },
  })
export const mutatingPolicyPrinter = policyPrinter(MutatingAdmissionPolicy, 'Mutations', 'mutations')
export const validatingPolicyPrinter = policyPrinter(ValidatingAdmissionPolicy, 'Validations', 'validations')

const policyBindingPrinter = (type: Message): Printer =>
  printer(type, {
    columns: [NAME, column('PolicyName', 'spec.policyName'), column('ParamRef', 'spec.paramRef'), AGE],
    cells: (binding, now) => [
      binding.metadata.name,
      binding.spec.policyName,
      paramText(binding.spec.paramRef),
      age(binding, now),
    ],
  })

function paramText(param: { name?: string; namespace?: string; selector?: object } | undefined): string {
  if (param?.name) return `${param.namespace || '*'}/${param.name}`
  return param?.selector ? selectorText(param.selector) : '<unset>'
}
export const mutatingPolicyBindingPrinter = policyBindingPrinter(MutatingAdmissionPolicyBinding)
export const validatingPolicyBindingPrinter = policyBindingPrinter(ValidatingAdmissionPolicyBinding)

export const flowSchemaPrinter = printer(FlowSchema, {
  columns: [
    NAME,
    column('PriorityLevel', 'spec.priorityLevelConfiguration.name'),
    column('MatchingPrecedence', 'spec.matchingPrecedence'),
    column('DistinguisherMethod', 'spec.distinguisherMethod'),
    AGE,
    column('MissingPL', 'Whether the priority level that it names is missing.'),
  ],
  cells: (schema, now) => [
    schema.metadata.name,
    schema.spec.priorityLevelConfiguration?.name ?? '',
    schema.spec.matchingPrecedence ?? 0,
    schema.spec.distinguisherMethod?.type ?? '<none>',
    age(schema, now),
    conditionOf(schema.status?.conditions, 'Dangling')?.status ?? '?',
  ],
})

export const priorityLevelPrinter = printer(PriorityLevelConfiguration, {
  columns: [
    NAME,
    column('Type', 'spec.type'),
    column('NominalConcurrencyShares', 'spec.limited.nominalConcurrencyShares'),
    column('Queues', 'spec.limited.limitResponse.queuing.queues'),
    column('HandSize', 'spec.limited.limitResponse.queuing.handSize'),
    column('QueueLengthLimit', 'spec.limited.limitResponse.queuing.queueLengthLimit'),
    AGE,
  ],
  cells(level, now) {
    const { type, limited } = level.spec
    const queuing = limited?.limitResponse?.queuing ?? {}
    return [
      level.metadata.name,
      type,
      limited?.nominalConcurrencyShares ?? '<none>',
      queuing.queues ?? '<none>',
      queuing.handSize ?? '<none>',
      queuing.queueLengthLimit ?? '<none>',
      age(level, now),
    ]
  },
})

export const resourceClaimPrinter = printer(ResourceClaim, {
  columns: [NAME, column('State', 'Whether the claim is pending, allocated, reserved or being deleted.'), AGE],
  cells(claim, now) {
    const isDeleted = claim.metadata.deletionTimestamp !== undefined
    const { allocation, reservedFor = [] } = claim.status ?? {}
    const states = [
      ...(isDeleted ? ['deleted'] : []),
      ...(allocation ? ['allocated'] : isDeleted ? [] : ['pending']),
      ...(allocation && reservedFor.length > 0 ? ['reserved'] : []),
    ]
    return [claim.metadata.name, states.join(','), age(claim, now)]
  },
})

export const resourceSlicePrinter = printer(ResourceSlice, {
  columns: [
    NAME,
    column('Node', 'spec.nodeName'),
    column('Driver', 'spec.driver'),
    column('Pool', 'spec.pool.name'),
    AGE,
  ],
  cells: (slice, now) => [
    slice.metadata.name,
    slice.spec.nodeName ?? '',
    slice.spec.driver,
    slice.spec.pool?.name ?? '',
    age(slice, now),
  ],
})

export const apiServicePrinter = printer(APIService, {
  columns: [
    NAME,
    column('Service', 'Service that answers for this version; Local for the API server itself.'),
    column('Available', 'Whether the version is being served.'),
    AGE,
  ],
  cells(service, now) {
    const backend = service.spec.service
    const available = conditionOf(service.status?.conditions, 'Available')
    const because = available?.status !== 'True' && available?.reason ? ` (${available.reason})` : ''
    return [
      service.metadata.name,
      backend ? `${backend.namespace}/${backend.name}` : 'Local',
      available ? `${available.status}${because}` : 'Unknown',
      age(service, now),
    ]
  },
})
