/**
 * Makes sure that a container's image is on this node, by its pull policy. Pulls of the same image with the same
 * credentials are made once for all who wait; a failed one pauses, per pod and image. Upstream: `kubelet/images`.
 */
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { Limiter } from '#base/limiter.ts'
import type { Secret } from '#api/core/v1/config.ts'
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { EventType } from '#client/event-recorder.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import type { CriMessageInit, Image } from '#contracts/cri/types.ts'
import { BackOff } from './back-off.ts'
import { durationText } from './duration-text.ts'
import { parseImageName, withDefaultTag } from './image-name.ts'
import type { PodEvents } from './kubelet-events.ts'
import { type Credentials, credentialsFor } from './pull-credentials.ts'
import { StartError } from './start-error.ts'

export interface PresentImage {
  /** What CreateContainer is given. */
  ref: string
  uid?: number
  username?: string
}

export interface ImagePullerOptions {
  cri: CriClient
  clock: Clock
  events: PodEvents
  /** Pulls at a time. Default 5. */
  parallelPulls?: number
}

export interface PullRequest {
  pod: Pod
  container: Container
  image: string
  policy: string | undefined
  secrets: readonly Secret[]
  sandboxConfig: CriMessageInit<'PodSandboxConfig'>
  /** Stops waiting; the pull goes on for others. */
  signal: AbortSignal
}

/** No registry gets longer than this for one image. */
const PULL_TIMEOUT_MS = 30 * 60_000
const CRI_REASONS = ['RegistryUnavailable', 'SignatureValidationFailed'] as const

export class ImagePuller {
  readonly #options: ImagePullerOptions
  readonly #limiter: Limiter
  readonly #backOff = new BackOff({ initialMs: 10_000, maxMs: 300_000 })
  readonly #lastErrors = new Map<string, string>()
  readonly #underWay = new Map<string, Promise<Pulled>>()

  constructor(options: ImagePullerOptions) {
    this.#options = options
    this.#limiter = new Limiter(options.parallelPulls ?? 5)
  }

  /** Throws StartError with one of upstream's reasons. */
  async ensure(request: PullRequest): Promise<PresentImage> {
    const { image, policy = 'IfNotPresent' } = request
    let name: string
    try {
      name = withDefaultTag(image)
    } catch (cause) {
      const message = `Failed to apply default image tag "${image}": ${messageOf(cause)}`
      this.#event(request, 'Warning', 'InspectFailed', message)
      throw new StartError('InvalidImageName', message, { cause })
    }
    if (policy !== 'Always') {
      const present = await this.#inspect(request, name)
      if (present) {
        this.#event(
          request,
          'Normal',
          'Pulled',
          `Container image "${image}" already present on machine and can be accessed by the pod`,
        )
        return describe(present)
      }
      if (policy === 'Never') {
        const message = `Container image "${image}" is not present with pull policy of Never`
        this.#event(request, 'Warning', 'ErrImageNeverPull', message)
        throw new StartError('ErrImageNeverPull', message)
      }
    }
    return this.#pull(request, name)
  }

  /** Ends the pauses of a pod that is gone. */
  forget(uid: string, images: readonly string[]): void {
    for (const image of images) {
      const key = backOffKey(uid, image)
      this.#backOff.clear(key)
      this.#lastErrors.delete(key)
    }
  }

  async #inspect(request: PullRequest, name: string): Promise<Image | undefined> {
    try {
      return (await this.#options.cri.image.imageStatus({ image: { image: name } })).image
    } catch (cause) {
      const message = `Failed to inspect image "${name}": ${messageOf(cause)}`
      this.#event(request, 'Warning', 'InspectFailed', message)
      throw new StartError('ImageInspectError', message, { cause })
    }
  }

  async #pull(request: PullRequest, name: string): Promise<PresentImage> {
    const { clock } = this.#options
    const { pod, image, signal } = request
    const key = backOffKey(pod.metadata.uid, image)
    const retryAtMs = this.#backOff.untilFromUpdate(key, clock.now())
    if (retryAtMs !== undefined) {
      const message = `Back-off pulling image "${image}"`
      this.#event(request, 'Normal', 'BackOff', message)
      const last = this.#lastErrors.get(key)
      throw new StartError('ImagePullBackOff', last ? `${message}: ${last}` : message, { retryAtMs })
    }
    this.#event(request, 'Normal', 'Pulling', `Pulling image "${image}"`)
    const beganMs = clock.monotonic()
    try {
      const pulled = await abortable(this.#pullOnce(request, name), signal)
      const waited = durationText(clock.monotonic() - beganMs)
      this.#event(
        request,
        'Normal',
        'Pulled',
        `Successfully pulled image "${image}" in ${durationText(pulled.tookMs)} (${waited} including waiting). Image size: ${pulled.image.size} bytes.`,
      )
      this.#backOff.clear(key)
      this.#lastErrors.delete(key)
      return describe(pulled.image)
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      const text = messageOf(cause)
      this.#event(request, 'Warning', 'Failed', `Failed to pull image "${image}": ${text}`)
      this.#backOff.lengthen(key, clock.now(), clock.now())
      const { reason, message } = pullFailure(image, text)
      this.#lastErrors.set(key, `${reason}: ${message}`)
      throw new StartError(reason, message, { cause, retryAtMs: clock.now() + this.#backOff.delayMs(key) })
    }
  }

  #pullOnce({ secrets, sandboxConfig }: PullRequest, name: string): Promise<Pulled> {
    const credentials = credentialsFor(parseImageName(name).repository, secrets)
    const key = JSON.stringify([name, credentials])
    let pull = this.#underWay.get(key)
    if (!pull) {
      pull = this.#limiter
        .run(() => this.#pullWith(name, credentials, sandboxConfig))
        .finally(() => this.#underWay.delete(key))
      this.#underWay.set(key, pull)
    }
    return pull
  }

  async #pullWith(
    name: string,
    credentials: readonly Credentials[],
    sandboxConfig: CriMessageInit<'PodSandboxConfig'>,
  ): Promise<Pulled> {
    const { cri, clock } = this.#options
    const beganMs = clock.monotonic()
    const failures: unknown[] = []
    for (const auth of credentials.length > 0 ? credentials : [undefined]) {
      try {
        const { imageRef } = await cri.image.pullImage(
          { image: { image: name }, ...(auth && { auth }), sandboxConfig },
          { timeoutMs: PULL_TIMEOUT_MS },
        )
        const { image } = await cri.image.imageStatus({ image: { image: name } })
        const found = image ?? (await cri.image.imageStatus({ image: { image: imageRef } })).image
        if (!found) throw new Error(`the runtime pulled "${name}" but does not have it`)
        return { image: found, tookMs: clock.monotonic() - beganMs }
      } catch (thrown) {
        failures.push(thrown)
      }
    }
    if (failures.length === 1) throw failures[0]
    throw new Error(`[${failures.map(messageOf).join(', ')}]`, { cause: failures[0] })
  }

  #event({ pod, container }: PullRequest, type: EventType, reason: string, message: string) {
    this.#options.events.container(pod, container.name, type, reason, message)
  }
}

interface Pulled {
  image: Image
  tookMs: number
}

const backOffKey = (uid: string, image: string) => `${uid}_${image}`

function describe({ id, uid, username }: Image): PresentImage {
  // The runtime says a user by number in `uid`, or by name; neither means root.
  if (uid) return { ref: id, uid: uid.value }
  return username ? { ref: id, username } : { ref: id, uid: 0 }
}

/** Some causes have a name of their own, which runtimes put in front of the message. */
function pullFailure(image: string, text: string): { reason: StartError['reason']; message: string } {
  const reason = CRI_REASONS.find((r) => text.startsWith(r))
  if (!reason) return { reason: 'ErrImagePull', message: text }
  const what = reason === 'RegistryUnavailable' ? 'the registry is unavailable' : 'the signature validation failed'
  return { reason, message: `image pull failed for ${image} because ${what}${text.slice(reason.length)}` }
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
