/**
 * CustomResourceDefinition and everything it consists of: names, versions, columns, subresources and conversion.
 * JSONSchemaProps is the schema language of custom resources, including its x-kubernetes extensions.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message, selfField } from '#api/schema.ts'

export const CustomResourceColumnDefinition = message(
  'apiextensions.v1.CustomResourceColumnDefinition',
  'Extra column that kubectl get shows for a custom resource.',
  {
    name: f.string(1, 'Heading of the column.').required(),
    type: f.string(2, 'OpenAPI type of the value: integer, number, string, boolean or date.').required(),
    format: f.string(3, 'OpenAPI format of the value; name marks the column as the primary identifier.'),
    description: f.string(4, 'What the column means, for people to read.'),
    priority: f.int32(5, 'Importance; columns above 0 are only shown in wide output.'),
    jsonPath: f.string(6, 'Simple JSON path to the value inside each object.').required(),
  },
)
export interface CustomResourceColumnDefinition extends Infer<typeof CustomResourceColumnDefinition> {}

export const ServiceReference = message(
  'apiextensions.v1.ServiceReference',
  'Service that a conversion webhook is reached through.',
  {
    namespace: f.string(1, 'Namespace of the Service.').required(),
    name: f.string(2, 'Name of the Service.').required(),
    path: f.string(3, 'URL path to send requests to.').pointer(),
    port: f.int32(4, 'Port of the Service, from 1 to 65535; default 443.').pointer().default(443),
  },
)
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = message(
  'apiextensions.v1.WebhookClientConfig',
  'How the API server connects to a conversion webhook; set either url or service.',
  {
    service: f.message(ServiceReference, 1, 'Service that runs the webhook inside the cluster.'),
    caBundle: f.bytes(2, 'PEM certificates to verify the webhook with; by default the system roots are trusted.'),
    url: f.string(3, 'HTTPS address of a webhook, without user name, query or fragment.').pointer(),
  },
)
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const WebhookConversion = message(
  'apiextensions.v1.WebhookConversion',
  'A webhook that converts objects between versions.',
  {
    clientConfig: f.message(WebhookClientConfig, 2, 'How to connect to the webhook.'),
    conversionReviewVersions: f
      .list('string', 3, 'Versions of ConversionReview the webhook understands, best first.')
      .required()
      .atomic(),
  },
)
export interface WebhookConversion extends Infer<typeof WebhookConversion> {}

export const CustomResourceConversion = message(
  'apiextensions.v1.CustomResourceConversion',
  'How objects are converted between the versions of a custom resource.',
  {
    strategy: f.string(1, 'None only changes apiVersion; Webhook asks an external service.').required(),
    webhook: f.message(WebhookConversion, 2, 'The webhook to ask; needed when strategy is Webhook.'),
  },
)
export interface CustomResourceConversion extends Infer<typeof CustomResourceConversion> {}

export const CustomResourceDefinitionNames = message(
  'apiextensions.v1.CustomResourceDefinitionNames',
  'Names under which a custom resource is served.',
  {
    plural: f.string(1, 'Lower-case plural name, used in URLs; the definition is named after it.').required(),
    singular: f.string(2, 'Lower-case singular name; by default the kind in lower case.'),
    shortNames: f.list('string', 3, 'Abbreviations that kubectl accepts in place of the plural name.').atomic(),
    kind: f.string(4, 'Name of the kind in CamelCase, usually singular.').required(),
    listKind: f.string(5, 'Kind of a list of these objects; by default the kind followed by List.'),
    categories: f.list('string', 6, 'Groups of resources it belongs to, such as all.').atomic(),
  },
)
export interface CustomResourceDefinitionNames extends Infer<typeof CustomResourceDefinitionNames> {}

export const CustomResourceSubresourceScale = message(
  'apiextensions.v1.CustomResourceSubresourceScale',
  'Where the scale subresource finds its values in a custom object.',
  {
    specReplicasPath: f.string(1, 'JSON path under .spec to the wanted number of replicas.').required(),
    statusReplicasPath: f.string(2, 'JSON path under .status to the current number of replicas.').required(),
    labelSelectorPath: f
      .string(3, 'JSON path under .status or .spec to a label selector string; autoscalers need it.')
      .pointer(),
  },
)
export interface CustomResourceSubresourceScale extends Infer<typeof CustomResourceSubresourceScale> {}

export const CustomResourceSubresources = message(
  'apiextensions.v1.CustomResourceSubresources',
  'Subresources that a custom resource has.',
  {
    status: f.object(1, 'Present, even if empty, to serve status apart from the rest of the object.').emptyMessage(),
    scale: f.message(CustomResourceSubresourceScale, 2, 'Set this to serve the scale subresource.'),
  },
)
export interface CustomResourceSubresources extends Infer<typeof CustomResourceSubresources> {}

export const ExternalDocumentation = message(
  'apiextensions.v1.ExternalDocumentation',
  'Link to documentation that is kept elsewhere.',
  {
    description: f.string(1, 'What is to be found there.'),
    url: f.string(2, 'Address of the documentation.'),
  },
)
export interface ExternalDocumentation extends Infer<typeof ExternalDocumentation> {}

export const ValidationRule = message(
  'apiextensions.v1.ValidationRule',
  'CEL rule that a custom object has to satisfy.',
  {
    rule: f.string(1, 'CEL expression over self, and oldSelf on updates, that must return true.').required(),
    message: f.string(2, 'Text shown when the rule fails; needed if the rule has line breaks.'),
    messageExpression: f.string(3, 'CEL expression that returns the text; used in place of message when both are set.'),
    reason: f
      .string(4, 'FieldValueInvalid (default), FieldValueForbidden, FieldValueRequired or FieldValueDuplicate.')
      .pointer()
      .oneOf('FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'),
    fieldPath: f.string(5, 'Relative JSON path of the field to blame when the rule fails.'),
    optionalOldSelf: f.bool(6, 'Makes oldSelf an optional value so that the rule also runs on creation.').pointer(),
  },
)
export interface ValidationRule extends Infer<typeof ValidationRule> {}

export const JSONSchemaProps = message(
  'apiextensions.v1.JSONSchemaProps',
  'Schema of a value, in the OpenAPI v3 subset used for custom resources.',
  {
    id: f.string(1, 'Identifier of the schema; not allowed in custom resource definitions.'),
    $schema: f.string(2, 'Address of the JSON Schema dialect in use.'),
    $ref: f.string(3, 'Reference to another schema; not allowed in custom resource definitions.').pointer(),
    description: f.string(4, 'What the value means, for people to read.'),
    type: f.string(5, 'JSON type: object, array, string, integer, number or boolean.'),
    format: f.string(6, 'Format of the value, such as date-time or int32; unknown ones are ignored.'),
    title: f.string(7, 'Short heading for the value.'),
    default: f.json(8, 'Value filled in where none is given.'),
    maximum: f.double(9, 'Largest number that is accepted.').pointer(),
    exclusiveMaximum: f.bool(10, 'Whether the maximum itself is excluded.'),
    minimum: f.double(11, 'Smallest number that is accepted.').pointer(),
    exclusiveMinimum: f.bool(12, 'Whether the minimum itself is excluded.'),
    maxLength: f.int64(13, 'Largest number of characters in a string.').pointer(),
    minLength: f.int64(14, 'Smallest number of characters in a string.').pointer(),
    pattern: f.string(15, 'Regular expression that a string has to match.'),
    maxItems: f.int64(16, 'Largest number of items in an array.').pointer(),
    minItems: f.int64(17, 'Smallest number of items in an array.').pointer(),
    uniqueItems: f.bool(18, 'Whether array items must differ; true is not allowed in custom resource definitions.'),
    multipleOf: f.double(19, 'A number has to be a multiple of this one.').pointer(),
    enum: f.list('json', 20, 'All values that are accepted.').atomic(),
    maxProperties: f.int64(21, 'Largest number of properties in an object.').pointer(),
    minProperties: f.int64(22, 'Smallest number of properties in an object.').pointer(),
    required: f.list('string', 23, 'Properties that an object must have.').atomic(),
    items: f.json(24, 'Schema for every item of an array.').orElse('messages', 'self'),
    allOf: selfField('list', 25, 'Schemas that must all accept the value.').atomic(),
    oneOf: selfField('list', 26, 'Schemas of which exactly one must accept the value.').atomic(),
    anyOf: selfField('list', 27, 'Schemas of which at least one must accept the value.').atomic(),
    not: selfField('one', 28, 'Schema that must not accept the value.'),
    properties: selfField('map', 29, 'Schema of each property of an object, by name.'),
    additionalProperties: f
      .json(30, 'Schema for properties that are not listed, or true to allow any.')
      .orElse('bool', 'self'),
    patternProperties: selfField(
      'map',
      31,
      'Schemas by pattern of property name; not allowed in custom resource definitions.',
    ),
    dependencies: f
      .mapOf('json', 32, 'Demands that follow from a property; not allowed in custom resource definitions.')
      .orElse('texts', 'self'),
    additionalItems: f
      .json(33, 'Schema for array items beyond those listed one by one, or a boolean.')
      .orElse('bool', 'self'),
    definitions: selfField('map', 34, 'Reusable schemas by name; not allowed in custom resource definitions.'),
    externalDocs: f.message(ExternalDocumentation, 35, 'Where to read more about the value.'),
    example: f.json(36, 'Sample value, for documentation only.'),
    nullable: f.bool(37, 'Whether null is accepted as a value; default false.'),
    'x-kubernetes-preserve-unknown-fields': f.bool(38, 'True keeps fields that the schema does not mention.').pointer(),
    'x-kubernetes-embedded-resource': f.bool(39, 'Marks an object that has apiVersion, kind and metadata of its own.'),
    'x-kubernetes-int-or-string': f.bool(40, 'Marks a value that is either an integer or a string.'),
    'x-kubernetes-list-map-keys': f
      .list('string', 41, 'Properties that together identify an item; only for list type map.')
      .atomic(),
    'x-kubernetes-list-type': f.string(42, 'How an array is merged: atomic (default), set or map.').pointer(),
    'x-kubernetes-map-type': f.string(43, 'How an object is merged: granular (default) or atomic.').pointer(),
    'x-kubernetes-validations': f
      .list(ValidationRule, 44, 'CEL rules for the value, besides the rest of the schema.')
      .map('rule')
      .merge('rule'),
  },
)
export interface JSONSchemaProps extends Infer<typeof JSONSchemaProps> {}

export const CustomResourceValidation = message(
  'apiextensions.v1.CustomResourceValidation',
  'How objects of one version are validated.',
  {
    openAPIV3Schema: f.message(JSONSchemaProps, 1, 'Schema that every object of this version has to match.'),
  },
)
export interface CustomResourceValidation extends Infer<typeof CustomResourceValidation> {}

export const SelectableField = message(
  'apiextensions.v1.SelectableField',
  'Field of a custom resource that field selectors may use.',
  {
    jsonPath: f.string(1, 'Simple JSON path to a string, boolean or integer; metadata is not allowed.').required(),
  },
)
export interface SelectableField extends Infer<typeof SelectableField> {}

export const CustomResourceDefinitionVersion = message(
  'apiextensions.v1.CustomResourceDefinitionVersion',
  'One version of a custom resource.',
  {
    name: f.string(1, 'Version as in URLs, such as v1 or v1beta1.').required(),
    served: f.bool(2, 'Whether clients can use this version.').required(),
    storage: f.bool(3, 'Whether objects are stored in this version; exactly one version has true.').required(),
    schema: f.message(CustomResourceValidation, 4, 'Schema used to validate, prune and default objects.'),
    subresources: f.message(CustomResourceSubresources, 5, 'Which of status and scale this version has.'),
    additionalPrinterColumns: f
      .list(CustomResourceColumnDefinition, 6, 'Columns for kubectl get; by default only the age.')
      .atomic(),
    deprecated: f.bool(7, 'True makes the server warn clients that use this version.'),
    deprecationWarning: f.string(8, 'Text of that warning, in place of the standard one.').pointer(),
    selectableFields: f.list(SelectableField, 9, 'Fields that may be used in field selectors, at most 8.').atomic(),
  },
)
export interface CustomResourceDefinitionVersion extends Infer<typeof CustomResourceDefinitionVersion> {}

export const CustomResourceDefinitionSpec = message(
  'apiextensions.v1.CustomResourceDefinitionSpec',
  'Wanted shape and behaviour of a custom resource.',
  {
    group: f.string(1, 'API group that serves the resource, such as example.com.').required(),
    names: f.message(CustomResourceDefinitionNames, 3, 'Names of the resource and of its kind.').required().present(),
    scope: f.string(4, 'Whether objects live in namespaces: Namespaced or Cluster.').required(),
    versions: f
      .list(
        CustomResourceDefinitionVersion,
        7,
        'All versions of the resource; their order in discovery follows from their names.',
      )
      .required()
      .atomic(),
    conversion: f.message(
      CustomResourceConversion,
      9,
      'How objects are converted between versions; by default only apiVersion changes.',
    ),
    preserveUnknownFields: f.bool(
      10,
      'Deprecated; has to be false, unknown fields are kept through the schema instead.',
    ),
  },
)
export interface CustomResourceDefinitionSpec extends Infer<typeof CustomResourceDefinitionSpec> {}

export const CustomResourceDefinitionCondition = message(
  'apiextensions.v1.CustomResourceDefinitionCondition',
  'One observed aspect of the state of a definition.',
  {
    type: f.string(1, 'Name of the condition, such as Established, NamesAccepted or Terminating.').required(),
    status: f.string(2, 'True, False or Unknown.').required(),
    lastTransitionTime: f.time(3, 'When status last changed its value.'),
    reason: f.string(4, 'Short machine-readable cause of the last change.'),
    message: f.string(5, 'Details of the last change, meant for people.'),
    observedGeneration: f.int64(6, 'Generation of the definition that the condition was derived from.'),
  },
)
export interface CustomResourceDefinitionCondition extends Infer<typeof CustomResourceDefinitionCondition> {}

export const CustomResourceDefinitionStatus = message(
  'apiextensions.v1.CustomResourceDefinitionStatus',
  'Observed state of a definition.',
  {
    conditions: f
      .list(CustomResourceDefinitionCondition, 1, 'Latest observations about the definition, one per type.')
      .map('type'),
    acceptedNames: f
      .message(CustomResourceDefinitionNames, 2, 'Names in actual use; they can differ from spec when names clash.')
      .present(),
    storedVersions: f
      .list('string', 3, 'Versions that objects may still be stored in; they cannot leave spec.')
      .atomic(),
    observedGeneration: f.int64(4, 'Generation of the definition that has last been acted on.'),
  },
)
export interface CustomResourceDefinitionStatus extends Infer<typeof CustomResourceDefinitionStatus> {}

export const CustomResourceDefinition = kind(
  'apiextensions.k8s.io',
  'v1',
  'CustomResourceDefinition',
  'Adds a resource type of your own to the API.',
  {
    spec: f
      .message(CustomResourceDefinitionSpec, 2, 'Wanted shape and behaviour of the resource.')
      .required()
      .present(),
    status: f
      .message(CustomResourceDefinitionStatus, 3, 'Observed state, with accepted names and conditions.')
      .present(),
  },
)
export interface CustomResourceDefinition extends Infer<typeof CustomResourceDefinition> {}
