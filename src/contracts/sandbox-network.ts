/**
 * How a runtime gets a pod sandbox onto the network. The runtime owns the network namespace: it creates it, pins it at
 * `netnsPath`, and removes it after `teardown`; the implementation (built-in bridge or CNI programs, in network/) only
 * configures what is inside and the host's end. Never called for sandboxes on the host's network.
 */

export interface SandboxPortMapping {
  protocol: 'tcp' | 'udp' | 'sctp'
  containerPort: number
  hostPort: number
  /** Empty: every address of the host. */
  hostIp: string
}

export interface SandboxNetworkRequest {
  /** 64 hex digits, unique for ever. */
  sandboxId: string
  /** A bind mount of the network namespace, in the mount namespace of the daemon; its loopback is up. */
  netnsPath: string
  namespace: string
  name: string
  uid: string
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
  portMappings: readonly SandboxPortMapping[]
  dns: { servers: readonly string[]; searches: readonly string[]; options: readonly string[] }
}

export interface SandboxNetworkResult {
  /** The pod's addresses without prefix length, primary first; at most one of each family. */
  ips: string[]
  /** The interface inside the sandbox that carries them, whose counters are the pod's network statistics. */
  interfaceName: string
}

export interface SandboxNetworkStatus {
  ready: boolean
  /** CamelCase, machine readable; empty when ready. */
  reason: string
  message: string
}

export interface SandboxNetwork {
  /**
   * Gives the sandbox its addresses. Concurrent calls are for different sandboxes. On failure nothing
   * stays behind that `teardown` with the same request does not remove; the runtime calls it.
   */
  setup(request: SandboxNetworkRequest, signal?: AbortSignal): Promise<SandboxNetworkResult>
  /**
   * Frees addresses, port mappings and the host's end. Idempotent: it is called again after failures and restarts, for
   * sandboxes never set up, and when the namespace is gone (`netnsPath` may not exist).
   */
  teardown(request: SandboxNetworkRequest, signal?: AbortSignal): Promise<void>
  /** What `Status` reports as NetworkReady. Cheap: asked every few seconds. */
  status(): Promise<SandboxNetworkStatus>
  /** The pod CIDR as the kubelet learned it (UpdateRuntimeConfig): one range, or two separated by a comma. */
  updatePodCidr?(podCidr: string): Promise<void>
}
