/**
 * As whom each controller acts: a service account of kube-system with a role of its own name, so that it may do what it is
 * for and nothing else. Upstream: `--use-service-account-credentials` of the controller manager.
 */

/** Accounts whose names do not follow from their controller's. */
const accounts: Readonly<Record<string, string>> = {
  'bootstrap-signer-controller': 'bootstrap-signer',
  'certificatesigningrequest-approving-controller': 'certificate-controller',
  'certificatesigningrequest-cleaner-controller': 'certificate-controller',
  'certificatesigningrequest-signing-controller': 'certificate-controller',
  daemonset: 'daemon-set-controller',
  'daemonset-controller': 'daemon-set-controller',
  garbagecollector: 'generic-garbage-collector',
  horizontalpodautoscaler: 'horizontal-pod-autoscaler',
  'horizontalpodautoscaler-controller': 'horizontal-pod-autoscaler',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler',
  'kubelet-serving-approver': 'kubelet-serving-approver',
  'legacy-serviceaccount-token-cleaner-controller': 'legacy-service-account-token-cleaner',
  nodeipam: 'node-controller',
  nodelifecycle: 'node-controller',
  'persistentvolume-attach-detach-controller': 'attachdetach-controller',
  'persistentvolume-binder': 'persistent-volume-binder',
  'persistentvolume-binder-controller': 'persistent-volume-binder',
  'persistentvolume-expander-controller': 'expand-controller',
  'persistentvolume-protection-controller': 'pv-protection-controller',
  'persistentvolumeclaim-protection-controller': 'pvc-protection-controller',
  podgc: 'pod-garbage-collector',
  'resourceclaim-controller': 'resource-claim-controller',
  replicationcontroller: 'replication-controller',
  'root-ca-certificate-publisher': 'root-ca-cert-publisher',
  serviceaccount: 'service-account-controller',
  'service-cidr-controller': 'service-cidrs-controller',
  'service-lb-controller': 'service-controller',
  'serviceaccount-token-controller': 'tokens-controller',
  'taint-eviction-controller': 'node-controller',
  'token-cleaner-controller': 'token-cleaner',
}

export const CONTROLLER_NAMESPACE = 'kube-system'

/** The name of the service account of kube-system that a controller acts as. */
export function serviceAccountOf(controller: string): string {
  if (Object.hasOwn(accounts, controller)) return accounts[controller]!
  return controller.endsWith('-controller') ? controller : `${controller}-controller`
}
