/** The names under which OpenAPI documents know types, which clients and generators rely on. Upstream: `REST friendly` model names. */
import type { Message } from '#api/schema.ts'

const packages: Readonly<Record<string, string>> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
}

/** `core.v1.Pod` becomes `io.k8s.api.core.v1.Pod`; a custom resource's `Widget` of example.com `com.example.v1.Widget`. */
export function definitionName({ name, gvk, schema }: Message): string {
  if (gvk && (schema || !isBuiltIn(gvk.group))) {
    return [...gvk.group.split('.').reverse(), gvk.version, gvk.kind].join('.')
  }
  const [group = '', ...rest] = name.split('.')
  return `${packages[group] ?? `io.k8s.api.${group}`}.${rest.join('.')}`
}

function isBuiltIn(group: string): boolean {
  return !group.includes('.') || group.endsWith('.k8s.io')
}

export const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
export const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity'
export const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString'
export const RAW_EXTENSION = 'io.k8s.apimachinery.pkg.runtime.RawExtension'
export const VERSION_INFO = 'io.k8s.apimachinery.pkg.version.Info'
const EXTENSIONS = `${packages.apiextensions}.v1`
export const JSON_VALUE = `${EXTENSIONS}.JSON`

/** What opaque fields hold, where it is not just any JSON; by message and field. */
export const opaqueTypes: Readonly<Record<string, string>> = {
  'meta.v1.ManagedFieldsEntry.fieldsV1': `${META}.FieldsV1`,
  'apiextensions.v1.CustomResourceSubresources.status': `${EXTENSIONS}.CustomResourceSubresourceStatus`,
  'apiextensions.v1.JSONSchemaProps.items': `${EXTENSIONS}.JSONSchemaPropsOrArray`,
  'apiextensions.v1.JSONSchemaProps.additionalProperties': `${EXTENSIONS}.JSONSchemaPropsOrBool`,
  'apiextensions.v1.JSONSchemaProps.additionalItems': `${EXTENSIONS}.JSONSchemaPropsOrBool`,
  'apiextensions.v1.JSONSchemaProps.dependencies': `${EXTENSIONS}.JSONSchemaPropsOrStringArray`,
}

export const opaqueDocs: Readonly<Record<string, string>> = {
  [`${META}.FieldsV1`]: 'A set of fields as a tree; each key is a field, an item of a list or a value.',
  [`${EXTENSIONS}.CustomResourceSubresourceStatus`]: 'Serves the status of a custom resource apart from the rest.',
  [`${EXTENSIONS}.JSONSchemaPropsOrArray`]: 'One schema, or a list of them.',
  [`${EXTENSIONS}.JSONSchemaPropsOrBool`]: 'A schema, or whether anything is allowed.',
  [`${EXTENSIONS}.JSONSchemaPropsOrStringArray`]: 'A schema, or a list of property names.',
  [JSON_VALUE]: 'Any JSON value: a boolean, a number, a string, an array, an object or null.',
}
