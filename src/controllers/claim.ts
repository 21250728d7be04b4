/**
 * Which objects a controller owns: it keeps those it controls as long as its selector matches them, adopts matching
 * ones that nobody controls, and releases the others. An owner that is being deleted changes nothing.
 * Upstream: ControllerRefManager.
 */
import { messageOf } from '#base/errors.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Client } from '#client/client.ts'
import type { LabelSelector } from '#machinery/labels.ts'
import { controllerOf, controllerReference } from '#machinery/owner.ts'
import { isStatus } from '#machinery/status-error.ts'

export interface Claims<T> {
  owned: T[]
  adopt: T[]
  release: T[]
}

/** `candidates` may contain objects of other owners, which are left alone. */
export function planClaims<T extends KubeObject>(
  owner: KubeObject,
  selector: LabelSelector,
  candidates: readonly T[],
): Claims<T> {
  const claims: Claims<T> = { owned: [], adopt: [], release: [] }
  const mayAct = owner.metadata.deletionTimestamp === undefined
  for (const object of candidates) {
    const { metadata } = object
    const controller = controllerOf(metadata)
    const matches = selector.matches(metadata.labels)
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue
      if (matches) claims.owned.push(object)
      else if (mayAct) claims.release.push(object)
    } else if (mayAct && matches && !metadata.deletionTimestamp && metadata.namespace === owner.metadata.namespace) {
      claims.adopt.push(object)
    }
  }
  return claims
}

export interface ClaimOptions<T extends KubeObject> {
  client: Client
  owner: KubeObject
  ownerResource: Resource
  resource: Resource<T>
  signal: AbortSignal
}

/**
 * Carries out adoptions and releases, and returns what is owned then. Throws the first failure, after trying all; an
 * object that is gone, or was taken by somebody else, is none.
 */
export async function applyClaims<T extends KubeObject>(claims: Claims<T>, options: ClaimOptions<T>): Promise<T[]> {
  if (claims.adopt.length === 0 && claims.release.length === 0) return claims.owned
  const { client, owner, ownerResource, resource, signal } = options
  const failures: unknown[] = []
  if (claims.adopt.length > 0) await assertStillOwner(options)
  const adopted = await Promise.all(
    claims.adopt.map(async (object) => {
      const ownerReferences = [controllerReference(owner, ownerResource)]
      const patch = { metadata: { uid: object.metadata.uid, ownerReferences } }
      return client.patch(resource, object.metadata, patch, { signal }).catch((err) => {
        if (!isStatus(err, 'NotFound')) failures.push(err)
        return undefined
      })
    }),
  )
  await Promise.all(
    claims.release.map(async (object) => {
      const ownerReferences = [{ $patch: 'delete', uid: owner.metadata.uid }]
      const patch = { metadata: { uid: object.metadata.uid, ownerReferences } }
      await client.patch(resource, object.metadata, patch, { signal }).catch((err) => {
        // Invalid: the object has been replaced by another of its name.
        if (!isStatus(err, 'NotFound', 'Invalid')) failures.push(err)
      })
    }),
  )
  if (failures.length > 0) throw failures[0]
  return [...claims.owned, ...adopted.filter((object) => object !== undefined)]
}

/** The copy may be old: before anything is adopted the owner is read from the server. */
async function assertStillOwner<T extends KubeObject>(options: ClaimOptions<T>): Promise<void> {
  const { client, owner, ownerResource, signal } = options
  const { namespace, name, uid } = owner.metadata
  try {
    const fresh = await client.get(ownerResource, { namespace, name }, { signal })
    if (fresh.metadata.uid !== uid) throw new Error(`it is another object now, with uid ${fresh.metadata.uid}`)
    if (fresh.metadata.deletionTimestamp)
      throw new Error(`it is being deleted since ${fresh.metadata.deletionTimestamp}`)
  } catch (cause) {
    throw new Error(`${owner.kind} ${namespace}/${name} cannot adopt anything: ${messageOf(cause)}`, { cause })
  }
}
