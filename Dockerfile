# The image of ciobridge: one static binary on a base without a shell, run by a user without rights. The base images are pinned by
# digest; the arguments name others, such as those of a mirror.
ARG GO_IMAGE=golang:1.26@sha256:0f063af2d465d8dcae54cce04278ada488b96f77b42449c8d071e47d016cc65a
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot@sha256:b7bb25d9f7c31d2bdd1982feb4dafcaf137703c7075dbe2febb41c24212b946f

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=""
ENV CGO_ENABLED=0
RUN go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/ciobridge ./cmd/ciobridge \
 && go build -trimpath -ldflags "-s -w" -o /out/shop ./deploy/compose/shop

# The sample shop of docker-compose.yml, no part of the product.
FROM ${BASE_IMAGE} AS shop
COPY --from=build /out/shop /usr/local/bin/shop
ENTRYPOINT ["/usr/local/bin/shop"]

FROM ${BASE_IMAGE}
COPY --from=build /out/ciobridge /usr/local/bin/ciobridge
COPY LICENSE THIRD_PARTY_NOTICES.txt /usr/share/doc/ciobridge/
WORKDIR /etc/ciobridge
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/ciobridge"]
CMD ["run", "--config", "/etc/ciobridge/ciobridge.yaml"]
