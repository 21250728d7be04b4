import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { allResources } from '#api/resources.ts'
import { OpenApiDocuments } from './documents.ts'
import { encodeOpenApiV2 } from './openapi-v2-protobuf.ts'

/** The messages that are read here, with their numbers as gnostic publishes them. */
const definitions = `
  syntax = "proto3";
  message Any { string yaml = 2; }
  message NamedAny { string name = 1; Any value = 2; }
  message Document {
    string swagger = 1; Info info = 2; Paths paths = 8; Definitions definitions = 9;
    repeated SecurityRequirement security = 12; SecurityDefinitions security_definitions = 13;
  }
  message Info { string title = 1; string version = 2; }
  message Paths { repeated NamedPathItem path = 2; }
  message NamedPathItem { string name = 1; PathItem value = 2; }
  message PathItem {
    Operation get = 2; Operation put = 3; Operation post = 4; Operation delete = 5; Operation options = 6;
    Operation head = 7; Operation patch = 8; repeated ParametersItem parameters = 9;
  }
  message Operation {
    repeated string tags = 1; string description = 3; string operation_id = 5; repeated string produces = 6;
    repeated string consumes = 7; repeated ParametersItem parameters = 8; Responses responses = 9;
    repeated string schemes = 10; repeated NamedAny vendor_extension = 13;
  }
  message ParametersItem { Parameter parameter = 1; }
  message Parameter { BodyParameter body_parameter = 1; NonBodyParameter non_body_parameter = 2; }
  message BodyParameter { string name = 2; string in = 3; bool required = 4; Schema schema = 5; }
  message NonBodyParameter { QueryParameter query = 3; PathParameter path = 4; }
  message QueryParameter { string in = 2; string description = 3; string name = 4; string type = 6; bool unique_items = 20; }
  message PathParameter { bool required = 1; string in = 2; string name = 4; string type = 5; bool unique_items = 19; }
  message Responses { repeated NamedResponseValue response_code = 1; }
  message NamedResponseValue { string name = 1; ResponseValue value = 2; }
  message ResponseValue { Response response = 1; }
  message Response { string description = 1; SchemaItem schema = 2; }
  message SchemaItem { Schema schema = 1; }
  message Definitions { repeated NamedSchema additional_properties = 1; }
  message NamedSchema { string name = 1; Schema value = 2; }
  message Schema {
    string ref = 1; string format = 2; string title = 3; string description = 4; Any default = 5; double maximum = 7;
    int64 min_length = 12; repeated string required = 19; repeated Any enum = 20;
    AdditionalPropertiesItem additional_properties = 21; TypeItem type = 22; ItemsItem items = 23;
    Definitions properties = 25; repeated NamedAny vendor_extension = 31;
  }
  message AdditionalPropertiesItem { oneof oneof { Schema schema = 1; bool boolean = 2; } }
  message TypeItem { repeated string value = 1; }
  message ItemsItem { repeated Schema schema = 1; }
  message SecurityRequirement { repeated NamedStringArray additional_properties = 1; }
  message NamedStringArray { string name = 1; StringArray value = 2; }
  message StringArray { repeated string value = 1; }
  message SecurityDefinitions { repeated NamedSecurityDefinitionsItem additional_properties = 1; }
  message NamedSecurityDefinitionsItem { string name = 1; SecurityDefinitionsItem value = 2; }
  message SecurityDefinitionsItem { ApiKeySecurity api_key_security = 2; }
  message ApiKeySecurity { string type = 1; string name = 2; string in = 3; string description = 4; }
`
const Document = protobuf.parse(definitions).root.lookupType('Document')
const decode = (bytes: Buffer): any =>
  Document.toObject(Document.decode(bytes), { longs: Number, arrays: false, oneofs: false })

interface Named {
  name: string
  value: any
}
const find = (pairs: Named[], name: string) => pairs.find((pair) => pair.name === name)?.value

/** A decoded schema as the JSON that it was made from. */
function schemaOf(message: any): unknown {
  const { ref, additionalProperties, type, items, properties, vendorExtension = [], default: value, ...same } = message
  return {
    ...same,
    ...(ref !== undefined && { $ref: ref }),
    ...(value !== undefined && { default: parseYaml(value.yaml) }),
    ...(same.enum && { enum: same.enum.map((one: any) => parseYaml(one.yaml)) }),
    ...(type && { type: type.value.length === 1 ? type.value[0] : type.value }),
    ...(items && { items: schemaOf(items.schema[0]) }),
    ...(additionalProperties && {
      additionalProperties: additionalProperties.boolean ?? schemaOf(additionalProperties.schema),
    }),
    ...(properties && { properties: schemasOf(properties) }),
    ...Object.fromEntries(vendorExtension.map(({ name, value: any }: Named) => [name, parseYaml(any.yaml)])),
  }
}

function schemasOf({ additionalProperties = [] }: { additionalProperties?: Named[] }) {
  return Object.fromEntries(additionalProperties.map(({ name, value }) => [name, schemaOf(value)]))
}

describe('OpenAPI v2 as protobuf', () => {
  const json = JSON.parse(new OpenApiDocuments({ resources: allResources, version: 'v1.36.0' }).v2().toString())
  const document = decode(encodeOpenApiV2(json))

  it('says the same about each type as JSON does', () => {
    expect(schemasOf(document.definitions)).toEqual(json.definitions)
    const pod = find(document.definitions.additionalProperties, 'io.k8s.api.core.v1.Pod')
    expect(pod.properties.additionalProperties.map(({ name }: Named) => name)).toEqual(
      expect.arrayContaining(['apiVersion', 'kind', 'metadata', 'spec', 'status']),
    )
  })

  it('has all paths, with the same operations', () => {
    const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch']
    const ids = (item: any) => methods.flatMap((method) => (item[method] ? [[method, item[method].operationId]] : []))
    expect(document.paths.path.map(({ name, value }: Named) => [name, ids(value)])).toEqual(
      Object.entries(json.paths).map(([name, item]) => [name, ids(item)]),
    )
  })

  it('describes an operation: its parameters, answers and extensions', () => {
    const path = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'
    const item = find(document.paths.path, path)
    const source = json.paths[path]
    expect(item.parameters[0].parameter.nonBodyParameter.path).toEqual({
      in: 'path',
      name: source.parameters[0].name,
      required: true,
      type: 'string',
      uniqueItems: true,
    })
    const { patch } = item
    expect(patch).toMatchObject({
      tags: source.patch.tags,
      description: source.patch.description,
      consumes: source.patch.consumes,
      produces: source.patch.produces,
      schemes: ['https'],
    })
    expect(patch.parameters[0].parameter.bodyParameter).toEqual({
      name: 'body',
      in: 'body',
      required: true,
      schema: { ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch' },
    })
    const queries = patch.parameters.slice(1).map(({ parameter }: any) => parameter.nonBodyParameter.query)
    expect(queries).toEqual(source.patch.parameters.slice(1))
    expect(queries.map(({ name }: Named) => name)).toEqual(['dryRun', 'fieldManager', 'fieldValidation', 'force'])
    expect(find(patch.responses.responseCode, '200').response).toEqual({
      description: 'OK',
      schema: { schema: { ref: '#/definitions/io.k8s.api.apps.v1.Deployment' } },
    })
    expect(find(patch.responses.responseCode, '401').response).toEqual({ description: 'Unauthorized' })
    expect(parseYaml(find(patch.vendorExtension, 'x-kubernetes-group-version-kind').yaml)).toEqual({
      group: 'apps',
      kind: 'Deployment',
      version: 'v1',
    })
  })

  it('says what the API is and how to authenticate', () => {
    expect(document).toMatchObject({ swagger: '2.0', info: json.info })
    expect(document.security).toEqual([{ additionalProperties: [{ name: 'BearerToken', value: {} }] }])
    expect(find(document.securityDefinitions.additionalProperties, 'BearerToken').apiKeySecurity).toEqual(
      json.securityDefinitions.BearerToken,
    )
  })

  it('keeps what only schemas of custom resources have', () => {
    const schema = {
      type: 'object',
      title: 'Widget',
      properties: {
        size: { type: 'integer', format: 'int64', maximum: 1.5, minLength: 300, default: 0 },
        'x-name': { type: ['string', 'null'], enum: ['a\u2028\u007f', null, 1], default: { a: ['😀'] } },
        open: { type: 'object', additionalProperties: true },
        closed: { type: 'object', additionalProperties: false },
      },
      'x-kubernetes-preserve-unknown-fields': true,
    }
    const decoded = decode(encodeOpenApiV2({ definitions: { Widget: schema } }))
    expect(schemasOf(decoded.definitions)).toEqual({ Widget: schema })
    const [, named] = decoded.definitions.additionalProperties[0].value.properties.additionalProperties
    expect(named.value.enum[0].yaml).toBe('"a\\u2028\\u007f"\n')
  })

  it('refuses a parameter that is nowhere', () => {
    const paths = { '/a': { parameters: [{ name: 'a', in: 'cookie' }] } }
    expect(() => encodeOpenApiV2({ paths })).toThrow(/no message for this NonBodyParameter.*cookie/)
  })
})
