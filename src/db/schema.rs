// @generated automatically by Diesel CLI.

diesel::table! {
    access_tokens (id) {
        id -> Uuid,
        store_id -> Uuid,
        app_id -> Uuid,
        hash -> Bytea,
        hint -> Text,
        created_at -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    admin_links (hash) {
        hash -> Bytea,
        admin_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    admins (id) {
        id -> Uuid,
        email -> Text,
        role -> Text,
        password_hash -> Nullable<Text>,
        created_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        app_id -> Uuid,
        name -> Text,
        scopes -> Array<Nullable<Text>>,
        hash -> Bytea,
        hint -> Text,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        successor_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    apps (id) {
        id -> Uuid,
        partner_id -> Uuid,
        name -> Text,
        logo_url -> Nullable<Text>,
        mode -> Text,
        return_urls -> Array<Nullable<Text>>,
        merchant_mail -> Text,
        expose_credentials -> Bool,
        signing_secret_sealed -> Bytea,
        previous_signing_secret_sealed -> Nullable<Bytea>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        ecartapi_redirect -> Bool,
        signing_secret_changes_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit_chains (id) {
        id -> Uuid,
        length -> Int8,
        hash -> Bytea,
        mac_key -> Text,
        mac -> Bytea,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Uuid,
        app_id -> Nullable<Uuid>,
        actor_kind -> Text,
        actor -> Nullable<Text>,
        action -> Text,
        subject -> Text,
        details -> Jsonb,
        request_id -> Nullable<Text>,
        at -> Timestamptz,
    }
}

diesel::table! {
    audit_links (chain_id, position) {
        chain_id -> Uuid,
        position -> Int8,
        event_id -> Uuid,
        digest -> Bytea,
        hash -> Bytea,
        mac_key -> Text,
        mac -> Bytea,
    }
}

diesel::table! {
    audit_waiting (event_id) {
        event_id -> Uuid,
        chain_id -> Uuid,
    }
}

diesel::table! {
    connect_session_stores (session_id, store_id) {
        session_id -> Uuid,
        store_id -> Uuid,
        position -> Int4,
        reauthorized -> Bool,
        exchanged_token_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    connect_sessions (id) {
        id -> Uuid,
        app_id -> Uuid,
        store_id -> Nullable<Uuid>,
        link_hash -> Bytea,
        status -> Text,
        failure -> Nullable<Text>,
        failure_detail -> Nullable<Text>,
        options -> Jsonb,
        return_url -> Text,
        partner_state -> Nullable<Text>,
        customer_id -> Nullable<Text>,
        platform -> Nullable<Text>,
        method -> Nullable<Text>,
        state_hash -> Nullable<Bytea>,
        browser_hash -> Nullable<Bytea>,
        attempt_sealed -> Nullable<Bytea>,
        delivered_sealed -> Nullable<Bytea>,
        held_sealed -> Nullable<Bytea>,
        code_hash -> Nullable<Bytea>,
        code_expires_at -> Nullable<Timestamptz>,
        result_store_id -> Nullable<Uuid>,
        reauthorized -> Bool,
        exchanged_token_id -> Nullable<Uuid>,
        exchanged_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        left_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    credentials (id) {
        id -> Uuid,
        app_id -> Uuid,
        platform -> Text,
        method -> Text,
        platform_app_id -> Nullable<Uuid>,
        values_sealed -> Nullable<Bytea>,
        spares_sealed -> Nullable<Bytea>,
        asks_spare -> Bool,
        grant_no -> Int8,
        saved_attempt -> Int8,
        next_attempt -> Int8,
        lease_attempt -> Nullable<Int8>,
        lease_owner -> Nullable<Uuid>,
        lease_since -> Nullable<Timestamptz>,
        lease_until -> Nullable<Timestamptz>,
        in_doubt_since -> Nullable<Timestamptz>,
        doubt_sent_at -> Nullable<Timestamptz>,
        unsettled_at -> Nullable<Timestamptz>,
        access_issued_at -> Nullable<Timestamptz>,
        access_expires_at -> Nullable<Timestamptz>,
        refresh_expires_at -> Nullable<Timestamptz>,
        reauthorize_by -> Nullable<Timestamptz>,
        refresh_at -> Nullable<Timestamptz>,
        scopes -> Nullable<Array<Nullable<Text>>>,
        failing_since -> Nullable<Timestamptz>,
        failures -> Int4,
        last_failure -> Nullable<Text>,
        retry_at -> Nullable<Timestamptz>,
        dead_at -> Nullable<Timestamptz>,
        held_verdict_at -> Nullable<Timestamptz>,
        updated_at -> Timestamptz,
        lease_saved_attempt -> Nullable<Int8>,
    }
}

diesel::table! {
    custom_platforms (slug) {
        slug -> Text,
        app_id -> Nullable<Uuid>,
        definition -> Text,
        methods -> Array<Nullable<Text>>,
        answers -> Nullable<Jsonb>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    events (id) {
        id -> Uuid,
        app_id -> Uuid,
        kind -> Text,
        store_id -> Nullable<Uuid>,
        store_sequence -> Nullable<Int8>,
        platform_app_id -> Nullable<Uuid>,
        incident -> Text,
        data -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    frozen_credentials (id) {
        id -> Uuid,
        app_id -> Uuid,
        values_sealed -> Bytea,
        spares_sealed -> Nullable<Bytea>,
        frozen_at -> Timestamptz,
    }
}

diesel::table! {
    idempotent_requests (id) {
        id -> Uuid,
        app_id -> Uuid,
        api_key_id -> Uuid,
        key -> Text,
        request_mac -> Bytea,
        status -> Nullable<Int2>,
        content_type -> Nullable<Text>,
        body_sealed -> Nullable<Bytea>,
        body_until -> Nullable<Timestamptz>,
        busy_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        kind -> Text,
        payload -> Jsonb,
        app_id -> Nullable<Uuid>,
        platform -> Nullable<Text>,
        unique_key -> Nullable<Text>,
        status -> Text,
        due_at -> Timestamptz,
        attempts -> Int4,
        max_attempts -> Int4,
        lease_id -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    key_checks (key_id) {
        key_id -> Text,
        check_sealed -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    notices (id) {
        id -> Uuid,
        kind -> Text,
        audience -> Text,
        app_id -> Nullable<Uuid>,
        store_id -> Nullable<Uuid>,
        platform_app_id -> Nullable<Uuid>,
        incident -> Text,
        recipient -> Nullable<Text>,
        language -> Text,
        details -> Jsonb,
        status -> Text,
        error -> Nullable<Text>,
        created_at -> Timestamptz,
        sent_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    partners (id) {
        id -> Uuid,
        name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    platform_apps (id) {
        id -> Uuid,
        app_id -> Nullable<Uuid>,
        platform -> Text,
        mode -> Text,
        shared -> Bool,
        values_sealed -> Bytea,
        standby_sealed -> Nullable<Bytea>,
        public_values -> Jsonb,
        paused_at -> Nullable<Timestamptz>,
        pause_code -> Nullable<Text>,
        probe_at -> Nullable<Timestamptz>,
        verdicts_held_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        secrets_used -> Nullable<Text>,
        secrets_used_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    refresh_logs (id, started_at) {
        id -> Uuid,
        app_id -> Uuid,
        credential_id -> Uuid,
        platform -> Text,
        platform_app_id -> Nullable<Uuid>,
        trigger -> Text,
        outcome -> Text,
        platform_code -> Nullable<Text>,
        http_status -> Nullable<Int4>,
        detail -> Nullable<Text>,
        duration_ms -> Int4,
        grant_no -> Int8,
        attempt -> Int8,
        saved_before -> Int8,
        saved_after -> Int8,
        started_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (key_hash) {
        key_hash -> Bytea,
        id -> Uuid,
        admin_id -> Nullable<Uuid>,
        state_sealed -> Bytea,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        created_at -> Timestamptz,
        seen_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_attempts (id) {
        id -> Uuid,
        account -> Text,
        address -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    stores (id) {
        id -> Uuid,
        app_id -> Uuid,
        credential_id -> Uuid,
        platform_app_id -> Nullable<Uuid>,
        platform -> Text,
        method -> Text,
        platform_store_id -> Text,
        url -> Nullable<Text>,
        name -> Text,
        customer_id -> Nullable<Text>,
        merchant_email -> Nullable<Text>,
        merchant_name -> Nullable<Text>,
        merchant_locale -> Nullable<Text>,
        metadata -> Jsonb,
        status -> Text,
        status_reason -> Nullable<Text>,
        status_since -> Timestamptz,
        evidence -> Nullable<Jsonb>,
        health -> Text,
        sequence -> Int8,
        connected_at -> Timestamptz,
        updated_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        values_sealed -> Nullable<Bytea>,
        refresh_failing_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    token_calls (id) {
        id -> Uuid,
        endpoint -> Text,
        called_at -> Timestamptz,
    }
}

diesel::table! {
    webhook_attempts (delivery_id, number) {
        delivery_id -> Uuid,
        number -> Int4,
        started_at -> Timestamptz,
        duration_ms -> Int4,
        http_status -> Nullable<Int4>,
        error -> Nullable<Text>,
        answer -> Nullable<Text>,
        request -> Nullable<Jsonb>,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> Uuid,
        app_id -> Uuid,
        endpoint_id -> Uuid,
        event_id -> Uuid,
        status -> Text,
        attempts -> Int4,
        tries -> Int4,
        queued_at -> Timestamptz,
        next_at -> Timestamptz,
        claimed_until -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
        dead_lettered_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    webhook_endpoints (id) {
        id -> Uuid,
        app_id -> Uuid,
        url -> Text,
        description -> Text,
        event_types -> Array<Nullable<Text>>,
        secret_sealed -> Bytea,
        previous_secret_sealed -> Nullable<Bytea>,
        previous_secret_ends_at -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
        disabled_reason -> Nullable<Text>,
        failures -> Int4,
        failing_since -> Nullable<Timestamptz>,
        last_failed_at -> Nullable<Timestamptz>,
        paused_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        removed_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(access_tokens -> apps (app_id));
diesel::joinable!(access_tokens -> stores (store_id));
diesel::joinable!(admin_links -> admins (admin_id));
diesel::joinable!(api_keys -> apps (app_id));
diesel::joinable!(apps -> partners (partner_id));
diesel::joinable!(audit_events -> apps (app_id));
diesel::joinable!(audit_links -> audit_chains (chain_id));
diesel::joinable!(connect_session_stores -> access_tokens (exchanged_token_id));
diesel::joinable!(connect_session_stores -> connect_sessions (session_id));
diesel::joinable!(connect_session_stores -> stores (store_id));
diesel::joinable!(connect_sessions -> access_tokens (exchanged_token_id));
diesel::joinable!(connect_sessions -> api_keys (exchanged_by));
diesel::joinable!(connect_sessions -> apps (app_id));
diesel::joinable!(credentials -> apps (app_id));
diesel::joinable!(credentials -> platform_apps (platform_app_id));
diesel::joinable!(custom_platforms -> apps (app_id));
diesel::joinable!(events -> apps (app_id));
diesel::joinable!(events -> platform_apps (platform_app_id));
diesel::joinable!(events -> stores (store_id));
diesel::joinable!(frozen_credentials -> apps (app_id));
diesel::joinable!(frozen_credentials -> credentials (id));
diesel::joinable!(idempotent_requests -> api_keys (api_key_id));
diesel::joinable!(idempotent_requests -> apps (app_id));
diesel::joinable!(jobs -> apps (app_id));
diesel::joinable!(notices -> apps (app_id));
diesel::joinable!(notices -> platform_apps (platform_app_id));
diesel::joinable!(notices -> stores (store_id));
diesel::joinable!(platform_apps -> apps (app_id));
diesel::joinable!(sessions -> admins (admin_id));
diesel::joinable!(stores -> apps (app_id));
diesel::joinable!(stores -> credentials (credential_id));
diesel::joinable!(stores -> platform_apps (platform_app_id));
diesel::joinable!(webhook_attempts -> webhook_deliveries (delivery_id));
diesel::joinable!(webhook_deliveries -> apps (app_id));
diesel::joinable!(webhook_deliveries -> events (event_id));
diesel::joinable!(webhook_deliveries -> webhook_endpoints (endpoint_id));
diesel::joinable!(webhook_endpoints -> apps (app_id));

diesel::allow_tables_to_appear_in_same_query!(
    access_tokens,
    admin_links,
    admins,
    api_keys,
    apps,
    audit_chains,
    audit_events,
    audit_links,
    audit_waiting,
    connect_session_stores,
    connect_sessions,
    credentials,
    custom_platforms,
    events,
    frozen_credentials,
    idempotent_requests,
    jobs,
    key_checks,
    notices,
    partners,
    platform_apps,
    refresh_logs,
    sessions,
    sign_in_attempts,
    stores,
    token_calls,
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
);
