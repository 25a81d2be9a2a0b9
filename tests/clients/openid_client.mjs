// A sign-in with openid-client of npm, which looks at the signature of the ID token too.
//
// Told by one JSON argument; writes one line of JSON: what the app has learned, or why it refused.

import { createPrivateKey, webcrypto } from 'node:crypto';
// Node.js 18 has it only here.
globalThis.crypto ??= webcrypto;
const openid = await import('openid-client');

const told = JSON.parse(process.argv[1]);
const redirectUri = 'http://127.0.0.1:8765/callback';

const AUTHENTICATION = {
  none: () => openid.None(),
  basic: () => openid.ClientSecretBasic(told.secret),
  post: () => openid.ClientSecretPost(told.secret),
  assertion: async () => {
    const form = {
      ES384: { name: 'ECDSA', namedCurve: 'P-384' },
      RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
    }[told.key.alg];
    const der = createPrivateKey(told.key.pem).export({ type: 'pkcs8', format: 'der' });
    const key = await crypto.subtle.importKey('pkcs8', der, form, false, ['sign']);
    return openid.PrivateKeyJwt(
      { key, kid: told.key.kid },
      // SMART demands it, and this client leaves it out unless told.
      { [openid.modifyAssertion]: (header) => Object.assign(header, { typ: 'JWT' }) },
    );
  },
};

async function signIn() {
  const authentication = await AUTHENTICATION[told.authentication]();
  const config = await openid.discovery(
    new URL(told.issuer),
    told.clientId,
    { id_token_signed_response_alg: told.algorithm },
    authentication,
    { execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] },
  );
  const [verifier, state, nonce] = [
    openid.randomPKCECodeVerifier(),
    openid.randomState(),
    openid.randomNonce(),
  ];
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: told.scope,
    aud: told.fhirBase,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    max_age: '600',
  });
  const answer = await fetch(url, { redirect: 'manual' });
  const callback = new URL(answer.headers.get('location'));
  const tokens = await openid.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    maxAge: 600,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  const userinfo = await openid.fetchUserInfo(config, tokens.access_token, claims.sub);
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token);
  const learned = {
    issuer: claims.iss,
    subject: claims.sub,
    audience: claims.aud,
    fhirUser: claims.fhirUser,
    algorithm: JSON.parse(Buffer.from(tokens.id_token.split('.')[0], 'base64url')).alg,
    isOfNow: claims.auth_time <= claims.iat,
    patient: tokens.patient,
    scope: tokens.scope,
    expiresIn: tokens.expires_in,
    userinfo: userinfo.fhirUser,
    isRefreshed: refreshed.access_token !== tokens.access_token,
    subjectAfterRefresh: refreshed.claims()?.sub,
    patientAfterRefresh: refreshed.patient,
  };
  // Only confidential apps may introspect.
  if (told.authentication !== 'none') {
    const seen = await openid.tokenIntrospection(config, refreshed.access_token);
    learned.isActive = seen.active;
  }
  await openid.tokenRevocation(config, refreshed.refresh_token);
  learned.isOver = await openid.refreshTokenGrant(config, refreshed.refresh_token).then(
    () => 'no',
    (error) => error.error,
  );
  return learned;
}

const said = await signIn().then(
  (learned) => ({ learned }),
  async (error) => {
    const inner = error.cause instanceof Error ? error.cause.message : '';
    const body = error.response?.bodyUsed === false ? await error.response.text() : '';
    const said = [error.code, error.error, error.message, inner, body];
    return { refused: `${told.authentication}: ${said.filter(Boolean).join(': ')}` };
  },
);
console.log(JSON.stringify(said));
