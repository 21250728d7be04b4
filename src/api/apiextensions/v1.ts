/** @@HEAD apiextensions/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message, selfField } from '#api/schema.ts'

export const CustomResourceColumnDefinition = message('apiextensions.v1.CustomResourceColumnDefinition', '', {
  name: f.string(1, '').required(),
  type: f.string(2, '').required(),
  format: f.string(3, ''),
  description: f.string(4, ''),
  priority: f.int32(5, ''),
  jsonPath: f.string(6, '').required(),
})
export interface CustomResourceColumnDefinition extends Infer<typeof CustomResourceColumnDefinition> {}

export const ServiceReference = message('apiextensions.v1.ServiceReference', '', {
  namespace: f.string(1, '').required(),
  name: f.string(2, '').required(),
  path: f.string(3, ''),
  port: f.int32(4, ''),
})
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = message('apiextensions.v1.WebhookClientConfig', '', {
  service: f.message(ServiceReference, 1, ''),
  caBundle: f.bytes(2, ''),
  url: f.string(3, ''),
})
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const WebhookConversion = message('apiextensions.v1.WebhookConversion', '', {
  clientConfig: f.message(WebhookClientConfig, 2, ''),
  conversionReviewVersions: f.list('string', 3, '').required().atomic(),
})
export interface WebhookConversion extends Infer<typeof WebhookConversion> {}

export const CustomResourceConversion = message('apiextensions.v1.CustomResourceConversion', '', {
  strategy: f.string(1, '').required(),
  webhook: f.message(WebhookConversion, 2, ''),
})
export interface CustomResourceConversion extends Infer<typeof CustomResourceConversion> {}

export const CustomResourceDefinitionNames = message('apiextensions.v1.CustomResourceDefinitionNames', '', {
  plural: f.string(1, '').required(),
  singular: f.string(2, ''),
  shortNames: f.list('string', 3, '').atomic(),
  kind: f.string(4, '').required(),
  listKind: f.string(5, ''),
  categories: f.list('string', 6, '').atomic(),
})
export interface CustomResourceDefinitionNames extends Infer<typeof CustomResourceDefinitionNames> {}

export const CustomResourceSubresourceScale = message('apiextensions.v1.CustomResourceSubresourceScale', '', {
  specReplicasPath: f.string(1, '').required(),
  statusReplicasPath: f.string(2, '').required(),
  labelSelectorPath: f.string(3, ''),
})
export interface CustomResourceSubresourceScale extends Infer<typeof CustomResourceSubresourceScale> {}

export const CustomResourceSubresources = message('apiextensions.v1.CustomResourceSubresources', '', {
  status: f.object(1, ''),
  scale: f.message(CustomResourceSubresourceScale, 2, ''),
})
export interface CustomResourceSubresources extends Infer<typeof CustomResourceSubresources> {}

export const ExternalDocumentation = message('apiextensions.v1.ExternalDocumentation', '', {
  description: f.string(1, ''),
  url: f.string(2, ''),
})
export interface ExternalDocumentation extends Infer<typeof ExternalDocumentation> {}

export const ValidationRule = message('apiextensions.v1.ValidationRule', '', {
  rule: f.string(1, '').required(),
  message: f.string(2, ''),
  messageExpression: f.string(3, ''),
  reason: f.string(4, ''),
  fieldPath: f.string(5, ''),
  optionalOldSelf: f.bool(6, ''),
})
export interface ValidationRule extends Infer<typeof ValidationRule> {}

export const JSONSchemaProps = message('apiextensions.v1.JSONSchemaProps', '', {
  id: f.string(1, ''),
  $schema: f.string(2, ''),
  $ref: f.string(3, ''),
  description: f.string(4, ''),
  type: f.string(5, ''),
  format: f.string(6, ''),
  title: f.string(7, ''),
  default: f.json(8, ''),
  maximum: f.double(9, ''),
  exclusiveMaximum: f.bool(10, ''),
  minimum: f.double(11, ''),
  exclusiveMinimum: f.bool(12, ''),
  maxLength: f.int64(13, ''),
  minLength: f.int64(14, ''),
  pattern: f.string(15, ''),
  maxItems: f.int64(16, ''),
  minItems: f.int64(17, ''),
  uniqueItems: f.bool(18, ''),
  multipleOf: f.double(19, ''),
  enum: f.list('json', 20, '').atomic(),
  maxProperties: f.int64(21, ''),
  minProperties: f.int64(22, ''),
  required: f.list('string', 23, '').atomic(),
  items: f.json(24, ''),
  allOf: selfField('list', 25, '').atomic(),
  oneOf: selfField('list', 26, '').atomic(),
  anyOf: selfField('list', 27, '').atomic(),
  not: selfField('one', 28, ''),
  properties: selfField('map', 29, ''),
  additionalProperties: f.json(30, ''),
  patternProperties: selfField('map', 31, ''),
  dependencies: f.mapOf('json', 32, ''),
  additionalItems: f.json(33, ''),
  definitions: selfField('map', 34, ''),
  externalDocs: f.message(ExternalDocumentation, 35, ''),
  example: f.json(36, ''),
  nullable: f.bool(37, ''),
  'x-kubernetes-preserve-unknown-fields': f.bool(38, ''),
  'x-kubernetes-embedded-resource': f.bool(39, ''),
  'x-kubernetes-int-or-string': f.bool(40, ''),
  'x-kubernetes-list-map-keys': f.list('string', 41, '').atomic(),
  'x-kubernetes-list-type': f.string(42, ''),
  'x-kubernetes-map-type': f.string(43, ''),
  'x-kubernetes-validations': f.list(ValidationRule, 44, '').map('rule').merge('rule'),
})
export interface JSONSchemaProps extends Infer<typeof JSONSchemaProps> {}

export const CustomResourceValidation = message('apiextensions.v1.CustomResourceValidation', '', {
  openAPIV3Schema: f.message(JSONSchemaProps, 1, ''),
})
export interface CustomResourceValidation extends Infer<typeof CustomResourceValidation> {}

export const SelectableField = message('apiextensions.v1.SelectableField', '', {
  jsonPath: f.string(1, '').required(),
})
export interface SelectableField extends Infer<typeof SelectableField> {}

export const CustomResourceDefinitionVersion = message('apiextensions.v1.CustomResourceDefinitionVersion', '', {
  name: f.string(1, '').required(),
  served: f.bool(2, '').required(),
  storage: f.bool(3, '').required(),
  schema: f.message(CustomResourceValidation, 4, ''),
  subresources: f.message(CustomResourceSubresources, 5, ''),
  additionalPrinterColumns: f.list(CustomResourceColumnDefinition, 6, '').atomic(),
  deprecated: f.bool(7, ''),
  deprecationWarning: f.string(8, ''),
  selectableFields: f.list(SelectableField, 9, '').atomic(),
})
export interface CustomResourceDefinitionVersion extends Infer<typeof CustomResourceDefinitionVersion> {}

export const CustomResourceDefinitionSpec = message('apiextensions.v1.CustomResourceDefinitionSpec', '', {
  group: f.string(1, '').required(),
  names: f.message(CustomResourceDefinitionNames, 3, '').required(),
  scope: f.string(4, '').required(),
  versions: f.list(CustomResourceDefinitionVersion, 7, '').required().atomic(),
  conversion: f.message(CustomResourceConversion, 9, ''),
  preserveUnknownFields: f.bool(10, ''),
})
export interface CustomResourceDefinitionSpec extends Infer<typeof CustomResourceDefinitionSpec> {}

export const CustomResourceDefinitionCondition = message('apiextensions.v1.CustomResourceDefinitionCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastTransitionTime: f.time(3, ''),
  reason: f.string(4, ''),
  message: f.string(5, ''),
  observedGeneration: f.int64(6, ''),
})
export interface CustomResourceDefinitionCondition extends Infer<typeof CustomResourceDefinitionCondition> {}

export const CustomResourceDefinitionStatus = message('apiextensions.v1.CustomResourceDefinitionStatus', '', {
  conditions: f.list(CustomResourceDefinitionCondition, 1, '').map('type'),
  acceptedNames: f.message(CustomResourceDefinitionNames, 2, ''),
  storedVersions: f.list('string', 3, '').atomic(),
  observedGeneration: f.int64(4, ''),
})
export interface CustomResourceDefinitionStatus extends Infer<typeof CustomResourceDefinitionStatus> {}

export const CustomResourceDefinition = kind('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', '', {
  spec: f.message(CustomResourceDefinitionSpec, 2, '').present(),
  status: f.message(CustomResourceDefinitionStatus, 3, '').present(),
})
export interface CustomResourceDefinition extends Infer<typeof CustomResourceDefinition> {}
