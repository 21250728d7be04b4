/**
 * The cluster roles that every cluster has, apart from those of controllers. Upstream:
 * `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`, with the features that are on by default.
 */
import type { PolicyRule } from '#api/rbac/v1.ts'
import { allow, allowUrls, recordEvents } from './rule.ts'

export interface ClusterRoleData {
  readonly name: string
  readonly rules: readonly PolicyRule[]
  /** It takes on the rules of all roles that are aggregated to this. */
  readonly aggregates?: 'admin' | 'edit' | 'view'
  /** Its rules become part of this role. */
  readonly aggregatedTo?: 'admin' | 'edit' | 'view'
}

export const clusterRoleData: readonly ClusterRoleData[] = [
  {
    name: 'admin',
    aggregates: 'admin',
    rules: [],
  },
  {
    name: 'cluster-admin',
    rules: [allow('*', '*', '*'), allowUrls('*', '*')],
  },
  {
    name: 'edit',
    aggregates: 'edit',
    aggregatedTo: 'admin',
    rules: [],
  },
  {
    name: 'system:aggregate-to-admin',
    aggregatedTo: 'admin',
    rules: [
      allow('create', 'localsubjectaccessreviews', 'authorization.k8s.io'),
      allow(
        'create delete deletecollection get list patch update watch',
        'rolebindings roles',
        'rbac.authorization.k8s.io',
      ),
    ],
  },
  {
    name: 'system:aggregate-to-edit',
    aggregatedTo: 'edit',
    rules: [
      allow('get list watch', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
      allow('impersonate', 'serviceaccounts'),
      allow('create delete deletecollection patch update', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
      allow('create', 'pods/eviction'),
      allow(
        'create delete deletecollection patch update',
        'configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
      ),
      allow('create', 'serviceaccounts/token'),
      allow('create delete deletecollection patch update', 'events', ['', 'events.k8s.io']),
      allow(
        'create delete deletecollection patch update',
        'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
        'apps',
      ),
      allow('create delete deletecollection patch update', 'horizontalpodautoscalers', 'autoscaling'),
      allow('create delete deletecollection patch update', 'cronjobs jobs', 'batch'),
      allow(
        'create delete deletecollection patch update',
        'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
        'extensions',
      ),
      allow('create delete deletecollection patch update', 'poddisruptionbudgets', 'policy'),
      allow('create delete deletecollection patch update', 'ingresses networkpolicies', 'networking.k8s.io'),
      allow('create delete deletecollection get list patch update watch', 'leases', 'coordination.k8s.io'),
      allow('create delete deletecollection patch update', 'resourceclaims resourceclaimtemplates', 'resource.k8s.io'),
    ],
  },
  {
    name: 'system:aggregate-to-view',
    aggregatedTo: 'view',
    rules: [
      allow(
        'get list watch',
        'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
      ),
      allow(
        'get list watch',
        'bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
      ),
      allow('get list watch', 'namespaces'),
      allow('get list watch', 'events', ['', 'events.k8s.io']),
      allow('get list watch', 'endpointslices', 'discovery.k8s.io'),
      allow(
        'get list watch',
        'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
        'apps',
      ),
      allow('get list watch', 'horizontalpodautoscalers horizontalpodautoscalers/status', 'autoscaling'),
      allow('get list watch', 'cronjobs cronjobs/status jobs jobs/status', 'batch'),
      allow(
        'get list watch',
        'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
        'extensions',
      ),
      allow('get list watch', 'poddisruptionbudgets poddisruptionbudgets/status', 'policy'),
      allow('get list watch', 'ingresses ingresses/status networkpolicies', 'networking.k8s.io'),
      allow('get list watch', 'resourceclaims resourceclaims/status resourceclaimtemplates', 'resource.k8s.io'),
    ],
  },
  {
    name: 'system:auth-delegator',
    rules: [
      allow('create', 'tokenreviews', 'authentication.k8s.io'),
      allow('create', 'subjectaccessreviews', 'authorization.k8s.io'),
    ],
  },
  {
    name: 'system:basic-user',
    rules: [
      allow('create', 'selfsubjectaccessreviews selfsubjectrulesreviews', 'authorization.k8s.io'),
      allow('create', 'selfsubjectreviews', 'authentication.k8s.io'),
    ],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    rules: [allow('create', 'certificatesigningrequests/nodeclient', 'certificates.k8s.io')],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    rules: [allow('create', 'certificatesigningrequests/selfnodeclient', 'certificates.k8s.io')],
  },
  {
    name: 'system:certificates.k8s.io:kube-apiserver-client-approver',
    rules: [allow('approve', 'signers', 'certificates.k8s.io', 'kubernetes.io/kube-apiserver-client')],
  },
  {
    name: 'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver',
    rules: [allow('approve', 'signers', 'certificates.k8s.io', 'kubernetes.io/kube-apiserver-client-kubelet')],
  },
  {
    name: 'system:certificates.k8s.io:kubelet-serving-approver',
    rules: [allow('approve', 'signers', 'certificates.k8s.io', 'kubernetes.io/kubelet-serving')],
  },
  {
    name: 'system:certificates.k8s.io:legacy-unknown-approver',
    rules: [allow('approve', 'signers', 'certificates.k8s.io', 'kubernetes.io/legacy-unknown')],
  },
  {
    name: 'system:discovery',
    rules: [
      allowUrls('get', '/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'),
    ],
  },
  {
    name: 'system:heapster',
    rules: [
      allow('get list watch', 'events namespaces nodes pods'),
      allow('get list watch', 'deployments', 'extensions'),
    ],
  },
  {
    name: 'system:kube-aggregator',
    rules: [allow('get list watch', 'endpoints services')],
  },
  {
    name: 'system:kube-controller-manager',
    rules: [
      recordEvents,
      allow('create', 'leases', 'coordination.k8s.io'),
      allow('get update', 'leases', 'coordination.k8s.io', 'kube-controller-manager'),
      allow('create', 'secrets serviceaccounts'),
      allow('delete', 'secrets'),
      allow('get', 'configmaps namespaces secrets serviceaccounts'),
      allow('update', 'secrets serviceaccounts'),
      allow('create', 'tokenreviews', 'authentication.k8s.io'),
      allow('create', 'subjectaccessreviews', 'authorization.k8s.io'),
      allow('list watch', '*', '*'),
      allow('create', 'serviceaccounts/token'),
    ],
  },
  {
    name: 'system:kube-dns',
    rules: [allow('list watch', 'endpoints services')],
  },
  {
    name: 'system:kube-scheduler',
    rules: [
      recordEvents,
      allow('create', 'leases', 'coordination.k8s.io'),
      allow('get list update watch', 'leases', 'coordination.k8s.io', 'kube-scheduler'),
      allow('create delete deletecollection get list patch update watch', 'leasecandidates', 'coordination.k8s.io'),
      allow('get list watch', 'nodes'),
      allow('delete get list watch', 'pods'),
      allow('create', 'bindings pods/binding'),
      allow('patch update', 'pods/status'),
      allow('get list watch', 'replicationcontrollers services'),
      allow('get list watch', 'replicasets', ['apps', 'extensions']),
      allow('get list watch', 'statefulsets', 'apps'),
      allow('get list watch', 'poddisruptionbudgets', 'policy'),
      allow('get list watch', 'persistentvolumeclaims persistentvolumes'),
      allow('create', 'tokenreviews', 'authentication.k8s.io'),
      allow('create', 'subjectaccessreviews', 'authorization.k8s.io'),
      allow('get list watch', 'csinodes', 'storage.k8s.io'),
      allow('get list watch', 'volumeattachments', 'storage.k8s.io'),
      allow('get list watch', 'namespaces'),
      allow('get list watch', 'csidrivers', 'storage.k8s.io'),
      allow('get list watch', 'csistoragecapacities', 'storage.k8s.io'),
      allow('get list watch', 'deviceclasses', 'resource.k8s.io'),
      allow('get list patch update watch', 'resourceclaims', 'resource.k8s.io'),
      allow('get list patch update watch', 'resourceclaims/status', 'resource.k8s.io'),
      allow('update', 'pods/finalizers'),
      allow('get list watch', 'resourceslices', 'resource.k8s.io'),
      allow('create delete', 'resourceclaims', 'resource.k8s.io'),
      allow('patch update', 'resourceclaims/binding', 'resource.k8s.io'),
    ],
  },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      allow('get list watch', 'nodes'),
      allow('proxy', 'nodes'),
      allow('*', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
      allow('*', 'nodes/configz nodes/healthz nodes/pods'),
    ],
  },
  {
    name: 'system:monitoring',
    rules: [
      allowUrls('get', '/flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz'),
      allow('get', 'nodes/metrics'),
    ],
  },
  {
    name: 'system:node',
    rules: [
      allow('create', 'tokenreviews', 'authentication.k8s.io'),
      allow('create', 'localsubjectaccessreviews subjectaccessreviews', 'authorization.k8s.io'),
      allow('get list watch', 'services'),
      allow('create get list watch', 'nodes'),
      allow('patch update', 'nodes/status'),
      allow('patch update', 'nodes'),
      recordEvents,
      allow('get list watch', 'pods'),
      allow('create delete', 'pods'),
      allow('patch update', 'pods/status'),
      allow('create', 'pods/eviction'),
      allow('get list watch', 'configmaps secrets'),
      allow('get', 'persistentvolumeclaims persistentvolumes'),
      allow('get', 'endpoints'),
      allow('create get list watch', 'certificatesigningrequests', 'certificates.k8s.io'),
      allow('create delete get patch update', 'leases', 'coordination.k8s.io'),
      allow('get', 'volumeattachments', 'storage.k8s.io'),
      allow('create', 'serviceaccounts/token'),
      allow('get patch update', 'persistentvolumeclaims/status'),
      allow('get list watch', 'csidrivers', 'storage.k8s.io'),
      allow('create delete get patch update', 'csinodes', 'storage.k8s.io'),
      allow('get list watch', 'runtimeclasses', 'node.k8s.io'),
      allow('get', 'resourceclaims', 'resource.k8s.io'),
      allow('deletecollection', 'resourceslices', 'resource.k8s.io'),
      allow('get', 'serviceaccounts'),
    ],
  },
  {
    name: 'system:node-bootstrapper',
    rules: [allow('create get list watch', 'certificatesigningrequests', 'certificates.k8s.io')],
  },
  {
    name: 'system:node-problem-detector',
    rules: [allow('get', 'nodes'), allow('patch', 'nodes/status'), recordEvents],
  },
  {
    name: 'system:node-proxier',
    rules: [
      allow('list watch', 'endpoints services'),
      allow('get list watch', 'nodes'),
      recordEvents,
      allow('list watch', 'servicecidrs', 'networking.k8s.io'),
      allow('list watch', 'endpointslices', 'discovery.k8s.io'),
    ],
  },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      allow('create delete get list watch', 'persistentvolumes'),
      allow('get list update watch', 'persistentvolumeclaims'),
      allow('get list watch', 'storageclasses', 'storage.k8s.io'),
      allow('watch', 'events'),
      recordEvents,
    ],
  },
  {
    name: 'system:public-info-viewer',
    rules: [allowUrls('get', '/healthz /livez /readyz /version /version/')],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      allowUrls(
        'get',
        '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
      ),
    ],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      allow('get list patch update watch', 'persistentvolumes'),
      allow('get list watch', 'storageclasses', 'storage.k8s.io'),
      allow('get list patch update watch', 'persistentvolumeclaims'),
    ],
  },
  {
    name: 'view',
    aggregates: 'view',
    aggregatedTo: 'edit',
    rules: [],
  },
]

/** What every node may do, as far as the node authoriser does not decide by what the node runs. */
export const nodeRules: readonly PolicyRule[] = clusterRoleData.find(({ name }) => name === 'system:node')!.rules
