/** Every controller by its name, as `--controllers` lists them. */
import { createBootstrapSigner } from './bootstrap-tokens/bootstrap-signer.ts'
import { createTokenCleaner } from './bootstrap-tokens/token-cleaner.ts'
import { createApprovingController } from './certificates/approving-controller.ts'
import { createRequestCleaner } from './certificates/request-cleaner.ts'
import { createServingApprover } from './certificates/serving-approver.ts'
import type { ServingLimits } from './certificates/serving-rules.ts'
import { createSigningController, type SigningOptions } from './certificates/signing-controller.ts'
import { createDeploymentController } from './deployment/deployment-controller.ts'
import type { Controller } from './controller.ts'
import { createEndpointSliceController } from './endpoints/endpoint-slice-controller.ts'
import { createEndpointsController } from './endpoints/endpoints-controller.ts'
import { createEndpointSliceMirroringController } from './endpoints/mirroring-controller.ts'
import { createGarbageCollector, type GarbageCollectorOptions } from './gc/garbage-collector.ts'
import {
  createClaimProtectionController,
  createVolumeAttributesClassProtectionController,
  createVolumeProtectionController,
} from './in-use-protection/storage-protection.ts'
import { createNamespaceController } from './namespace/namespace-controller.ts'
import { createRootCaPublisher, createServiceAccountController } from './namespace/defaults.ts'
import { createNodeIpamController, type NodeIpamOptions } from './node/node-ipam-controller.ts'
import { createNodeLifecycleController, type NodeLifecycleOptions } from './node/node-lifecycle-controller.ts'
import { createTaintEvictionController } from './node/taint-eviction-controller.ts'
import { createPodGarbageCollector, type PodGcOptions } from './pod-gc.ts'
import { createClusterRoleAggregationController } from './rbac/cluster-role-aggregation.ts'
import { createReplicaSetController, createReplicationController } from './replicaset/replica-controller.ts'
import { createTokenSecretController, type TokenSecretOptions } from './token-secrets/token-secret-controller.ts'

/** What the cluster is like, as far as controllers have to be told. */
export interface ControllerSettings {
  /** PEM; without it no root CA is published. */
  caBundle?: string
  /** Without it no certificates are signed. */
  certificateSigning?: SigningOptions
  /** Without it nobody approves serving certificates of kubelets but people. */
  kubeletServing?: ServingLimits
  /** Without it nodes get no pod networks. */
  nodeIpam?: NodeIpamOptions
  /** Without it Secrets get no tokens of service accounts. */
  tokenSecrets?: TokenSecretOptions
  nodeLifecycle?: NodeLifecycleOptions
  podGc?: PodGcOptions
  garbageCollector?: GarbageCollectorOptions
}

export interface ControllerEntry {
  name: string
  /** Undefined where the settings have no use for it. */
  create(settings: ControllerSettings): Controller | undefined
}

export const controllers: readonly ControllerEntry[] = [
  { name: 'deployment', create: createDeploymentController },
  { name: 'replicaset', create: createReplicaSetController },
  { name: 'replicationcontroller', create: createReplicationController },
  { name: 'endpoint', create: createEndpointsController },
  { name: 'endpointslice', create: createEndpointSliceController },
  { name: 'endpointslicemirroring', create: createEndpointSliceMirroringController },
  { name: 'namespace', create: (s) => createNamespaceController({ resources: s.garbageCollector?.resources }) },
  { name: 'serviceaccount', create: createServiceAccountController },
  {
    name: 'root-ca-certificate-publisher',
    create: ({ caBundle }) => (caBundle ? createRootCaPublisher({ caBundle }) : undefined),
  },
  {
    name: 'certificatesigningrequest-signing-controller',
    create: ({ certificateSigning }) => certificateSigning && createSigningController(certificateSigning),
  },
  { name: 'certificatesigningrequest-approving-controller', create: createApprovingController },
  { name: 'certificatesigningrequest-cleaner-controller', create: createRequestCleaner },
  {
    name: 'kubelet-serving-approver',
    create: ({ kubeletServing }) => kubeletServing && createServingApprover(kubeletServing),
  },
  {
    name: 'serviceaccount-token-controller',
    create: ({ tokenSecrets, caBundle }) => tokenSecrets && createTokenSecretController(tokenSecrets, caBundle),
  },
  { name: 'bootstrap-signer-controller', create: createBootstrapSigner },
  { name: 'token-cleaner-controller', create: createTokenCleaner },
  { name: 'clusterrole-aggregation-controller', create: createClusterRoleAggregationController },
  { name: 'garbagecollector', create: (settings) => createGarbageCollector(settings.garbageCollector) },
  { name: 'nodelifecycle', create: (settings) => createNodeLifecycleController(settings.nodeLifecycle) },
  { name: 'taint-eviction-controller', create: createTaintEvictionController },
  { name: 'nodeipam', create: ({ nodeIpam }) => nodeIpam && createNodeIpamController(nodeIpam) },
  { name: 'persistentvolumeclaim-protection-controller', create: createClaimProtectionController },
  { name: 'persistentvolume-protection-controller', create: createVolumeProtectionController },
  { name: 'volumeattributesclass-protection-controller', create: createVolumeAttributesClassProtectionController },
  { name: 'podgc', create: (settings) => createPodGarbageCollector(settings.podGc) },
]
