/**
 * OpenAPI v2 as v3, for extension servers that know the old form only. Pure. Upstream:
 * `kube-openapi/pkg/openapiconv.ConvertV2ToV3`.
 */
import type { Json, OpenApiV2 } from './openapi-merge.ts'

const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'])
/** Of a v2 parameter, what belongs to the parameter itself; the rest describes its values. */
const PARAMETER_KEYS = new Set(['name', 'in', 'description', 'required'])

export function openApiV3Of({ info, paths = {}, definitions = {} }: OpenApiV2): Json {
  return {
    openapi: '3.0.0',
    info: info ?? { title: 'Kubernetes', version: 'unversioned' },
    paths: mapValues(paths, pathItem),
    components: { schemas: mapValues(definitions, withNewRefs) },
  }
}

function pathItem(item: Json): Json {
  const { parameters, ...members } = item
  return {
    ...Object.fromEntries(
      Object.entries(members).map(([name, value]) => [name, METHODS.has(name) ? operation(value) : withNewRefs(value)]),
    ),
    ...(parameters && { parameters: (parameters as Json[]).map(parameter) }),
  }
}

function operation({ consumes = [], produces = [], parameters = [], responses = {}, schemes: _, ...rest }: Json): Json {
  const body = (parameters as Json[]).find((one) => one.in === 'body')
  const others = (parameters as Json[]).filter((one) => one !== body)
  const content = (types: readonly string[], schema: unknown) =>
    Object.fromEntries((types.length > 0 ? types : ['*/*']).map((type) => [type, { schema: withNewRefs(schema) }]))
  return {
    ...rest,
    ...(others.length > 0 && { parameters: others.map(parameter) }),
    ...(body && {
      requestBody: {
        ...(body.description && { description: body.description }),
        ...(body.required && { required: true }),
        content: content(consumes, body.schema),
      },
    }),
    responses: mapValues(responses, ({ schema, ...response }: Json) => ({
      ...response,
      ...(schema && { content: content(produces, schema) }),
    })),
  }
}

function parameter(value: Json): Json {
  if (value.$ref) return withNewRefs(value) as Json
  const entries = Object.entries(value)
  return {
    ...Object.fromEntries(entries.filter(([key]) => PARAMETER_KEYS.has(key))),
    schema: withNewRefs(Object.fromEntries(entries.filter(([key]) => !PARAMETER_KEYS.has(key)))),
  }
}

function withNewRefs(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withNewRefs)
  return mapValues(value as Json, (member, key) =>
    key === '$ref' && typeof member === 'string'
      ? member.replace('#/definitions/', '#/components/schemas/')
      : withNewRefs(member),
  )
}

const mapValues = (object: Json, map: (value: any, key: string) => unknown): Json =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]))
