/**
 * The environment that every CEL expression of the API starts from: all libraries that Kubernetes 1.36 offers, no
 * variables (upstream: `apiserver/pkg/cel/environment.MustBaseEnvSet`), and the limits that go with it.
 */
import { createEnvironment } from '#cel/environment.ts'
import type { Environment } from '#cel/environment.ts'
import { cidrLibrary, ipLibrary } from '#cel/libraries/addresses.ts'
import { twoVariableLibrary } from '#cel/libraries/comprehensions.ts'
import { extendedListLibrary, listLibrary } from '#cel/libraries/list-functions.ts'
import { literalChecks } from '#cel/libraries/literal-checks.ts'
import { namedFormatLibrary } from '#cel/libraries/named-formats.ts'
import { optionalLibrary } from '#cel/libraries/optionals.ts'
import { quantityLibrary } from '#cel/libraries/quantities.ts'
import { regularExpressionLibrary } from '#cel/libraries/regular-expressions.ts'
import { setLibrary } from '#cel/libraries/sets.ts'
import { stringLibrary } from '#cel/libraries/strings.ts'
import { urlLibrary } from '#cel/libraries/urls.ts'
import { versionLibrary } from '#cel/libraries/versions.ts'
import { authorizerLibrary } from './authorizer-library.ts'

/** Cost of one evaluation of one expression at most. */
export const PER_CALL_LIMIT = 1_000_000
/** Cost of all expressions of one policy binding, or of all rules on one custom resource. */
export const RUNTIME_COST_BUDGET = 10_000_000
/** Cost of all match conditions of one webhook or policy binding. */
export const MATCH_CONDITIONS_COST_BUDGET = 2_500_000
/** The largest request that cost estimates reckon with. */
export const MAX_REQUEST_SIZE_BYTES = 3 * 1024 * 1024

/** Takes milliseconds: make one per API server and extend it. Evaluations must be given `costLimit: PER_CALL_LIMIT`. */
export function createBaseEnvironment(): Environment {
  return createEnvironment({
    libraries: [
      urlLibrary,
      regularExpressionLibrary,
      listLibrary,
      optionalLibrary,
      quantityLibrary,
      literalChecks,
      stringLibrary,
      setLibrary,
      ipLibrary,
      cidrLibrary,
      namedFormatLibrary,
      twoVariableLibrary,
      versionLibrary,
      extendedListLibrary,
      authorizerLibrary,
    ],
  })
}
