// The OpenID provider of npm on a free port of this machine, with a FHIR base before it that is as
// much of an EHR as a sign-in needs. It says where it is, and serves until its standard input ends.
//
// Told by one JSON argument: the app's id and callback, and which answer is spoilt, if any.

import { createServer } from 'node:http';
import { webcrypto } from 'node:crypto';
globalThis.crypto ??= webcrypto;
const { default: Provider } = await import('oidc-provider');

const { clientId, redirectUri, spoilt } = JSON.parse(process.argv[1]);

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const fhirUser = `${base}/fhir/Practitioner/dr-smith`;

const provider = new Provider(base, {
  clients: [
    {
      client_id: clientId,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
  ],
  pkce: { required: () => true },
  scopes: ['openid', 'offline_access', 'fhirUser'],
  claims: { openid: ['sub'], fhirUser: ['fhirUser'] },
  // As servers of SMART do: the claims of a scope are in the ID token.
  conformIdTokenClaims: false,
  issueRefreshToken: async () => true,
  features: { devInteractions: { enabled: false }, userinfo: { enabled: true } },
  cookies: { keys: ['not a secret'] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, fhirUser }) }),
  ttl: { AccessToken: 3600, IdToken: 300, Grant: 3600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
});

/** Answers for the user: signs in, and grants all that is asked for. */
async function decide(context) {
  const { prompt, params, session } = await provider.interactionDetails(context.req, context.res);
  const answers = {
    login: async () => ({ login: { accountId: 'dr-smith' } }),
    consent: async () => {
      const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      return { consent: { grantId: await grant.save() } };
    },
  };
  const result = await answers[prompt.name]();
  await provider.interactionFinished(context.req, context.res, result);
  context.respond = false;
}

/** Spoils one answer of the provider on its way out. */
function spoil(context) {
  const { body, path } = context;
  if (spoilt === 'issuer' && path === '/.well-known/openid-configuration') {
    context.body = { ...body, issuer: `${body.issuer}/other` };
  }
  if (spoilt === 'signature' && path === '/token' && body.id_token) {
    const [header, claims, signature] = body.id_token.split('.');
    const first = signature.startsWith('A') ? 'B' : 'A';
    context.body = { ...body, id_token: `${header}.${claims}.${first}${signature.slice(1)}` };
  }
  if (spoilt === 'callback' && path.startsWith('/auth/')) {
    const location = new URL(context.response.get('location'), base);
    if (location.searchParams.has('iss')) {
      location.searchParams.set('iss', `${base}/other`);
      context.set('location', location.href);
    }
  }
}

provider.use(async (context, next) => {
  if (context.path === '/fhir/.well-known/smart-configuration') {
    context.body = {
      issuer: base,
      jwks_uri: `${base}/jwks`,
      authorization_endpoint: `${base}/auth`,
      token_endpoint: `${base}/token`,
      grant_types_supported: ['authorization_code'],
      code_challenge_methods_supported: ['S256'],
      capabilities: ['launch-standalone', 'client-public', 'sso-openid-connect'],
    };
  } else if (context.path.startsWith('/interaction/')) {
    await decide(context);
  } else {
    await next();
    spoil(context);
  }
});

server.on('request', provider.callback());
process.stdin.on('end', () => process.exit(0)).resume();
console.log(JSON.stringify({ base }));
