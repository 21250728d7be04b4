/** Finds objects by the object that controls them, and those of a namespace that nobody controls. */
import type { KubeObject } from '#api/kind.ts'
import type { Informer } from '#client/informer.ts'
import { controllerOf } from '#machinery/owner.ts'

const INDEX = 'controller'
const orphansOf = (namespace: string | undefined) => `orphans of ${namespace ?? ''}`

/** Must be called before the other two; every controller may. */
export function indexByController<T extends KubeObject>(objects: Informer<T>): void {
  objects.index(INDEX, ({ metadata }) => [controllerOf(metadata)?.uid ?? orphansOf(metadata.namespace)])
}

export function controlledBy<T extends KubeObject>(objects: Informer<T>, uid: string): T[] {
  return objects.byIndex(INDEX, uid)
}

export function orphansIn<T extends KubeObject>(objects: Informer<T>, namespace: string | undefined): T[] {
  return objects.byIndex(INDEX, orphansOf(namespace))
}
