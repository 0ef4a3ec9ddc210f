package dev.pawl.provider;

import jakarta.enterprise.inject.Default;
import jakarta.inject.Singleton;

import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * Says in readiness's detail whether the model's endpoint answers. It stays UP: an outage is no fault of this process, which
 * still takes documents over HTTP, and a deployment must not be held up by it.
 */
@Default
@Readiness
@Singleton
public final class ProviderCheck implements HealthCheck {

    private final Outage outage;

    ProviderCheck(Outage outage) {
        this.outage = outage;
    }

    @Override
    public HealthCheckResponse call() {
        var response = HealthCheckResponse.named("provider").up();
        outage.down().ifPresentOrElse(
                down -> response.withData("answers", false).withData("reason", down.reason()).withData("since", down.since().toString()),
                () -> response.withData("answers", true));
        return response.build();
    }
}
