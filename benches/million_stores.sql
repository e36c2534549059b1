-- A million stores over twenty apps, the way an installation of that size would look: a few large apps and many small
-- ones, platforms that some apps do not use at all, names that many shops share, most stores well and a few in each
-- trouble. Runs on a migrated, empty database. The same rows each time.
BEGIN;
INSERT INTO partners (id, name) VALUES ('01900000-0000-7000-8000-000000000001', 'Bench');
CREATE TEMP TABLE ids ON COMMIT DROP AS
SELECT n, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS app FROM generate_series(1, 20) n;
INSERT INTO apps (id, partner_id, name, mode, signing_secret_sealed)
SELECT app, '01900000-0000-7000-8000-000000000001', 'App ' || n, CASE WHEN n % 5 = 0 THEN 'sandbox' ELSE 'live' END, '\x00'
FROM ids;

-- hashint4 spreads the numbers without a seed to keep.
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT n,
       at,
       (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0')
           || '8' || lpad(to_hex(n), 15, '0'))::uuid AS id,
       -- App 1 has about a quarter, app 20 about a hundredth.
       floor(power(20.99, (a % 1000003) / 1000003.0))::int AS app,
       (ARRAY['mercado-libre', 'mercado-libre', 'mercado-libre', 'shopify', 'shopify', 'shopify', 'woocommerce',
              'woocommerce', 'walmart', 'falabella'])[1 + p % 10] AS platform,
       s % 1000 AS luck,
       h % 1000 AS health_luck
FROM (SELECT n, timestamptz '2023-01-01' + n * interval '110 seconds' AS at,
             hashint4(n)::bigint + 2147483648 AS a, hashint4(n + 10000000)::bigint + 2147483648 AS p,
             hashint4(n + 20000000)::bigint + 2147483648 AS s, hashint4(n + 30000000)::bigint + 2147483648 AS h
      FROM generate_series(1, 1000000) n) numbers;
-- What one app alone sells through, and a platform that hardly anybody uses.
UPDATE made SET platform = 'hybris' WHERE app = 7 AND n % 50 = 0;
UPDATE made SET platform = 'shopify' WHERE app = 12 AND platform = 'falabella';

INSERT INTO credentials (id, app_id, platform, method, refresh_expires_at, reauthorize_by)
SELECT id, app.app, platform, 'code',
       CASE WHEN platform = 'mercado-libre' THEN timestamptz '2026-11-22' + (luck % 180) * interval '1 day' END,
       CASE WHEN platform = 'walmart' THEN timestamptz '2026-11-22' + (luck % 365) * interval '1 day' END
FROM made JOIN ids app ON app.n = made.app;

INSERT INTO stores (id, app_id, credential_id, platform, method, platform_store_id, url, name, customer_id, status,
                    status_since, health, connected_at, updated_at, last_used_at)
SELECT id, app.app, id, platform, 'code',
       'shop-' || made.n,
       'https://shop-' || made.n || '.example.com',
       CASE made.n % 8
           WHEN 0 THEN 'Tienda ' || made.n
           WHEN 1 THEN 'Mi tienda'
           WHEN 2 THEN 'Outlet Ñandú ' || made.n % 5000
           ELSE (ARRAY['Casa', 'Norte', 'La Feria', 'Deportes', 'Moda', 'Hogar', 'Ferretería'])[1 + made.n % 7]
               || ' ' || md5(made.n::text)
       END,
       CASE WHEN made.n % 3 > 0 THEN 'customer-' || made.n / 4 END,
       CASE WHEN luck < 30 THEN 'needs_reauthorization' WHEN luck < 80 THEN 'revoked' ELSE 'connected' END,
       CASE WHEN luck < 80 THEN at + (timestamptz '2026-11-22' - at) * (health_luck / 1000.0) ELSE at END,
       CASE
           WHEN luck < 80 OR health_luck >= 25 THEN 'ok'
           WHEN health_luck < 10 THEN 'refresh_failing'
           WHEN health_luck < 12 THEN 'refresh_in_doubt'
           WHEN health_luck < 24 THEN 'platform_unavailable'
           ELSE 'app_misconfigured'
       END,
       at, at, at + interval '1 day'
FROM made JOIN ids app ON app.n = made.app;
COMMIT;
