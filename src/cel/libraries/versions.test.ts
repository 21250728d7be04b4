import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('versions', () => {
  it.each(
    rowsOf(String.raw`
    semver('1.2.3') => semver(1.2.3)
    semver('1.2.3-alpha.1+build') => semver(1.2.3-alpha.1+build)
    semver('v1.2.3') => error: Invalid character(s) found in major number "v1"
    semver('v1.2', true) => semver(1.2.0)
    semver('1', true) => semver(1.0.0)
    semver('01.2.3') => error: Major number must not contain leading zeroes "01"
    semver('01.2.3', true) => semver(1.2.3)
    semver('1.2') => error: No Major.Minor.Patch elements found
    isSemver('1.2.3') => true
    isSemver('1.2') => false
    isSemver('v1.2', true) => true
    semver('1.2.3').isLessThan(semver('1.2.10')) => true
    semver('1.2.3-a').isLessThan(semver('1.2.3')) => true
    semver('1.2.3').isGreaterThan(semver('1.2.3')) => false
    semver('1.2.3').compareTo(semver('1.2.4')) => -1
    semver('1.2.3') == semver('1.2.3+x') => true
    semver('1.2.3').major() => 1
    semver('1.2.3').minor() => 2
    semver('1.2.3').patch() => 3
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
