// A launch with fhirclient of npm: the two pages of an app, and the browser between them and the EHR.
//
// Told by one JSON argument; writes one line of JSON: what the app has learned, or why it refused.

import { createPrivateKey } from 'node:crypto';
import { createServer } from 'node:http';
import smart from 'fhirclient';

const { iss, launch, clientId, clientSecret, key, scope } = JSON.parse(process.argv[1]);
const clientPrivateJwk = key && {
  ...createPrivateKey(key.pem).export({ format: 'jwk' }),
  alg: key.alg,
  kid: key.kid,
};

const session = new Map();
const storage = {
  get: async (key) => session.get(key),
  set: async (key, value) => (session.set(key, value), value),
  unset: async (key) => session.delete(key),
};

const app = createServer(async (request, response) => {
  const sdk = smart(request, response, storage);
  try {
    if (request.url.startsWith('/launch')) {
      // Without this option a server that announces no PKCE is asked without.
      const pkceMode = 'required';
      const redirectUri = '/callback';
      await sdk.authorize({ clientId, clientSecret, clientPrivateJwk, scope, redirectUri, pkceMode });
      return;
    }
    response.end(JSON.stringify({ learned: await learn(await sdk.ready()) }));
  } catch (error) {
    response.end(JSON.stringify({ refused: String(error.message) }));
  }
});

async function learn(client) {
  const first = client.state.tokenResponse.access_token;
  const chart = await client.patient.read();
  const user = client.user.id ? await client.user.read() : null;
  const observations = await client.request(`Observation?patient=${client.patient.id}`);
  const learned = {
    fhirUser: client.getFhirUser(),
    subject: client.getIdToken()?.sub,
    patient: client.getPatientId(),
    encounter: client.getEncounterId(),
    scope: client.state.tokenResponse.scope,
    open: client.state.tokenResponse.fhirContext?.map((it) => it.reference) ?? null,
    patientName: chart.name[0].family,
    userName: user?.name[0].family,
    observations: observations.entry.length,
  };
  if (client.state.tokenResponse.refresh_token) {
    await client.refresh();
    learned.isRefreshed = client.state.tokenResponse.access_token !== first;
    learned.patientAfterRefresh = (await client.patient.read()).id;
  }
  return learned;
}

async function browse() {
  const address = `http://127.0.0.1:${app.address().port}`;
  const query = new URLSearchParams(launch ? { iss, launch } : { iss });
  let url = `${address}/launch?${query}`;
  // To the EHR, and back.
  for (let redirect = 0; redirect < 2; redirect += 1) {
    const answer = await fetch(url, { redirect: 'manual' });
    if (answer.status !== 302) {
      const said = await answer.text();
      return said.startsWith('{') ? said : JSON.stringify({ refused: `the EHR: ${said}` });
    }
    url = answer.headers.get('location');
  }
  return (await fetch(url)).text();
}

app.listen(0, '127.0.0.1', async () => {
  console.log(await browse());
  app.closeAllConnections();
  app.close();
});
