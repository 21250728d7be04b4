/**
 * What the runtime says of itself: its version, whether it and its network are ready, what it can do. Asked for when the
 * node's status is looked at; between that the last answer holds. Upstream: `kubelet/runtime.go`.
 */
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import type { Image, StatusResponse } from '#contracts/cri/types.ts'

export interface RuntimeStateOptions {
  cri: CriClient
  clock: Clock
}

const VERSION_FRESH_MS = 60_000
const IMAGES_FRESH_MS = 5_000
/** Longer ago than this, the last answer says nothing. */
const STALE_MS = 30_000
const TIMEOUT_MS = 10_000

export class RuntimeState {
  readonly #options: RuntimeStateOptions
  #status: StatusResponse | undefined
  #statusAtMs = -Infinity
  #error = 'container runtime status check may not have completed yet'
  #version = { name: 'unknown', version: '' }
  #versionAtMs = -Infinity
  #images: readonly Image[] = []
  #imagesAtMs = -Infinity
  #podCidr = ''

  constructor(options: RuntimeStateOptions) {
    this.#options = options
  }

  /** The scheme of container ids. */
  get name(): string {
    return this.#version.name
  }

  /** As nodes show it: `containerd://1.7.2`. */
  get version(): string {
    return `${this.#version.name}://${this.#version.version}`
  }

  get images(): readonly Image[] {
    return this.#images
  }

  get handlers() {
    return (this.#status?.runtimeHandlers ?? []).map(({ name, features }) => ({
      name,
      recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
      userNamespaces: features?.userNamespaces ?? false,
    }))
  }

  get supportsRecursiveReadOnly(): boolean {
    return this.handlers.some((h) => h.name === '' && h.recursiveReadOnlyMounts)
  }

  get supportsStrictGroups(): boolean {
    return this.#status?.features?.supplementalGroupsPolicy ?? false
  }

  /** Tells the runtime the network of this node's pods, once. Resolves to whether it was news. Rejects with CriError. */
  async tellPodCidr(podCidr: string): Promise<boolean> {
    if (podCidr === '' || podCidr === this.#podCidr) return false
    await this.#options.cri.runtime.updateRuntimeConfig(
      { runtimeConfig: { networkConfig: { podCidr } } },
      { timeoutMs: TIMEOUT_MS },
    )
    this.#podCidr = podCidr
    return true
  }

  /** Asks the runtime. Never throws: what went wrong is among the problems. */
  async refresh(): Promise<void> {
    const { clock, cri } = this.#options
    const now = clock.monotonic()
    try {
      this.#status = await cri.runtime.status({ verbose: false }, { timeoutMs: TIMEOUT_MS })
      this.#statusAtMs = now
      if (now - this.#versionAtMs >= VERSION_FRESH_MS) {
        const answer = await cri.runtime.version({ version: '0.1.0' }, { timeoutMs: TIMEOUT_MS })
        this.#version = { name: answer.runtimeName, version: answer.runtimeVersion }
        this.#versionAtMs = now
      }
      if (now - this.#imagesAtMs >= IMAGES_FRESH_MS) {
        this.#images = (await cri.image.listImages({}, { timeoutMs: TIMEOUT_MS })).images
        this.#imagesAtMs = now
      }
      this.#error = ''
    } catch (thrown) {
      this.#error = `container runtime is down: ${messageOf(thrown)}`
    }
  }

  /** Why the node can't run pods; empty when it can. */
  get problems(): string[] {
    const isStale = this.#options.clock.monotonic() - this.#statusAtMs > STALE_MS
    if (this.#error && (isStale || !this.#status)) return [this.#error]
    const runtime = this.#condition('RuntimeReady', 'container runtime not ready')
    return [runtime, this.networkError].filter((p) => p !== undefined)
  }

  /** Why pods can't get a network, or undefined. */
  get networkError(): string | undefined {
    if (!this.#status) return this.#error
    return this.#condition('NetworkReady', 'container runtime network not ready')
  }

  #condition(type: string, what: string): string | undefined {
    const found = this.#status?.status?.conditions.find((c) => c.type === type)
    if (found?.status) return undefined
    if (!found) return `${what}: ${type} is not reported`
    return `${what}: ${type}=${found.status} reason:${found.reason} message:${found.message}`
  }
}
