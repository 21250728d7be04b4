/**
 * Owner references: who an object belongs to, and who controls it (at most one owner has `controller: true`).
 * Upstream: `metav1.GetControllerOf`, `metav1.NewControllerRef`.
 */
export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

interface Owned {
  ownerReferences?: readonly OwnerReference[]
}

interface OwnerObject {
  metadata: { name: string; uid: string }
}

/** The reference to the owner that controls the object with this metadata, or undefined. */
export function controllerOf(metadata: Owned): OwnerReference | undefined {
  return metadata.ownerReferences?.find((reference) => reference.controller === true)
}

export function isControlledBy(metadata: Owned, owner: OwnerObject): boolean {
  return controllerOf(metadata)?.uid === owner.metadata.uid
}

/** A reference that makes `owner` the controller; its foreground deletion then waits for the object. */
export function controllerReference(owner: OwnerObject, type: { apiVersion: string; kind: string }): OwnerReference {
  const { name, uid } = owner.metadata
  return { apiVersion: type.apiVersion, kind: type.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

/** The API group of an `apiVersion`: empty for `v1`, `apps` for `apps/v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? '' : apiVersion.slice(0, slash)
}
