/** The pod that a template describes, owned by the object that the template is of. */
import type { Pod, PodTemplateSpec } from '#api/core/v1/pod.ts'
import type { Draft, KubeObject } from '#api/kind.ts'
import { dnsSubdomain } from '#machinery/names.ts'
import { controllerReference } from '#machinery/owner.ts'
import { StatusError } from '#machinery/status-error.ts'

export function podFromTemplate(
  template: PodTemplateSpec | undefined,
  owner: KubeObject,
  ownerType: { apiVersion: string; kind: string },
): Draft<Pod> {
  const { labels, annotations, finalizers } = template?.metadata ?? {}
  return {
    metadata: {
      generateName: namePrefix(owner.metadata.name),
      namespace: owner.metadata.namespace,
      ownerReferences: [controllerReference(owner, ownerType)],
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
    },
    spec: template?.spec,
  }
}

/** The owner's name and a dash, where a name made from that is still valid. */
function namePrefix(ownerName: string): string {
  return dnsSubdomain(`${ownerName}-a`).length === 0 ? `${ownerName}-` : ownerName
}

/** Whether something could not be created only because its namespace is about to go. */
export function isNamespaceTerminating(err: unknown): boolean {
  return err instanceof StatusError && !!err.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating')
}
